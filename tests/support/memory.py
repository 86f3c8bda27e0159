"""Does the memory of this process grow."""

import gc
from collections.abc import Callable
from pathlib import Path


def grown_mib(cycle: Callable[[], None], cycles: int, before: int) -> float:
    """By how many MiB the process grows over so many cycles, after some ``before`` that count not.

    What is there already is kept out of the collector's sight, which each cycle would ask to look.
    """
    for count in (before, cycles):
        gc.collect()
        gc.freeze()
        start = _anonymous_mib()
        for _ in range(count):
            cycle()
    return _anonymous_mib() - start


def _anonymous_mib() -> float:
    """What is resident and is no page of a file: those the kernel takes and brings back at will."""
    _, resident, shared, *_ = map(int, Path("/proc/self/statm").read_text().split())
    return (resident - shared) * 4096 / 2**20
