"""Time `infer` against TensorFlow alone, transport alone, a call per record, Beam and Spark.

python -m bench [--repeats 5] [--only NAME]    about 25 minutes on 2 cores; see docs/bench.md
"""

import argparse
import os
import platform
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

# Local runs put the Python workers into the client as threads; a cluster gives each slot a process.
os.environ["_python_worker_execution_mode"] = "process"  # noqa: SIM112  # PyFlink spells it so
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from bench import images, jobs, mlp, online, patterns, peers, raw, windows
from bench.measure import Case, Rates, interleave, limits, ratio_table, table

BATCHES = (256, 1024, 4096)
PAIRS = [
    *((f"infer, batch {n}", "a call per record") for n in BATCHES),
    *((f"infer, batch {n}", f"transport alone, batch {n}") for n in BATCHES),
    *((f"infer, batch {n}", f"TensorFlow alone, batch {n}") for n in BATCHES if n < 4096),
    *((f"a stream, {path}", "a call per record") for path in ("arrow", "async", "record")),
    *peers.PAIRS,
    *windows.PAIRS,
    *images.PAIRS,
    *online.PAIRS,
    *patterns.PAIRS,
]


def flink_cases(model: Path) -> list[Case]:
    """Transport, a call per record and `infer`, over the same vectors."""
    long, short = 1_000_000, 50_000
    return [
        Case("a call per record", jobs.per_record(model), 20_000, 2_000),
        *(Case(f"transport alone, batch {n}", jobs.transport(n), long, short) for n in BATCHES),
        *(Case(f"infer, batch {n}", jobs.inferred(model, n), long, short) for n in BATCHES),
        Case("a stream, arrow", jobs.streamed(model, 1024, "arrow"), long, short),
        Case("a stream, async", jobs.streamed(model, 1024, "async"), 50_000, 5_000),
        Case("a stream, record", jobs.streamed(model, 1024, "record"), 20_000, 2_000),
        Case("a stream, map_with_model", jobs.mapped(model), 20_000, 2_000),
    ]


def every(model: Path, scratch: Path) -> list[Case]:
    """All cases, in the order of the table."""
    return [
        *raw.cases(model),
        *flink_cases(model),
        *peers.cases(model, scratch),
        *windows.cases(model),
        *images.cases(scratch),
        *online.cases(),
        *patterns.cases(scratch),
    ]


def report(results: Sequence[Rates]) -> str:
    """The tables, as Markdown; of what did not run there is nothing."""
    told = limits(results, BATCHES)
    learned = any(result.name.startswith("online") for result in results)
    parts = [
        table(results),
        ratio_table(results, PAIRS),
        told and f"What limits it:\n{told}",
        online.costs() if learned else "",
    ]
    return "\n\n".join(part for part in parts if part)


def main() -> None:
    """Print a table with min, median and max of the repeats, and the ratios."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="the cases whose name has this in it")
    options = parser.parse_args()
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        scratch = Path(directory)
        known = every(mlp.export(scratch / "mlp"), scratch)
        cases = [case for case in known if options.only in case.name]
        if not cases:
            names = "\n  ".join(case.name for case in known)
            parser.error(f"no case has {options.only!r} in its name; there are\n  {names}")
        results = interleave(cases, options.repeats)
    minutes = (time.monotonic() - start) / 60
    print(
        f"\n{platform.machine()}, {os.cpu_count()} cores, {options.repeats} repeats, "
        f"{minutes:.0f} minutes; rows/s\n\n{report(results)}"
    )


if __name__ == "__main__":
    main()
