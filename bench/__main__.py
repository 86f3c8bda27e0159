"""Time `infer` against TensorFlow alone, transport alone and a call per record.

python -m bench [--repeats 5] [--only NAME]    about 15 minutes on 2 cores
"""

import argparse
import os
import platform
import tempfile
from pathlib import Path

# Local runs put the Python workers into the client as threads; a cluster gives each slot a process.
os.environ["_python_worker_execution_mode"] = "process"  # noqa: SIM112  # PyFlink spells it so
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from bench import images, jobs, mlp, online, raw
from bench.measure import Case, interleave, limits, ratio_table, table

BATCHES = (256, 1024, 4096)
PAIRS = [
    *((f"infer, batch {n}", "a call per record") for n in BATCHES),
    *((f"infer, batch {n}", f"transport alone, batch {n}") for n in BATCHES),
    *((f"infer, batch {n}", f"TensorFlow alone, batch {n}") for n in BATCHES if n < 4096),
    *((f"a stream, {path}", "a call per record") for path in ("arrow", "async", "record")),
    *images.PAIRS,
    *online.PAIRS,
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


def main() -> None:
    """Print a table with min, median and max of the repeats, and the ratios."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--only", default="", help="the cases whose name has this in it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        model = mlp.export(Path(scratch) / "mlp")
        every = [*raw.cases(model), *flink_cases(model), *images.cases(Path(scratch))]
        every += online.cases()
        cases = [case for case in every if options.only in case.name]
        results = interleave(cases, options.repeats)
    print(f"\n{platform.machine()}, {os.cpu_count()} cores, {options.repeats} repeats; rows/s\n")
    print(table(results))
    print()
    print(ratio_table(results, PAIRS))
    print(f"\nWhat limits it:\n{limits(results, BATCHES)}")
    if options.only in "online":
        print(f"\n{online.costs()}")


if __name__ == "__main__":
    main()
