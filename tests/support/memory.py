"""Does the memory of this process grow."""

import gc
from collections.abc import Callable
from pathlib import Path
from statistics import median

PARTS = 10


def grown_mib(cycle: Callable[[], None], cycles: int, before: int) -> float:
    """By how many MiB the process grows over so many cycles, after some ``before`` that count not.

    What leaks does so in each part of them, and the median part tells; what another thread takes,
    or an allocator that is at the end of a block, is in a few parts only. What is there already is
    kept out of the collector's sight, which each cycle would ask to look.
    """
    for _ in range(before):
        cycle()
    gc.collect()
    gc.freeze()
    try:
        return PARTS * median(_growth(cycle, cycles // PARTS) for _ in range(PARTS))
    finally:
        gc.unfreeze()


def _growth(cycle: Callable[[], None], cycles: int) -> float:
    start = _anonymous_mib()
    for _ in range(cycles):
        cycle()
    return _anonymous_mib() - start


def _anonymous_mib() -> float:
    """What is resident and is no page of a file: those the kernel takes and brings back at will."""
    _, resident, shared, *_ = map(int, Path("/proc/self/statm").read_text().split())
    return (resident - shared) * 4096 / 2**20
