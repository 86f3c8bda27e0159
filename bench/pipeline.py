"""Time the main job, text in and scores out, against what people write instead.

python -m bench.pipeline [--repeats 5] [--rows 600000] [--only NAME]; see docs/bench.md

Files of JSON or CSV lines are read, each record is scored, results are written as lines of the same
format. Each run is a process of its own, as a user starts it; a rate is that of the rows between a
short and a long run, so that no start counts. The seconds of the short run are told beside.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import yaml

from bench import decode
from bench.byhand import Job
from bench.cpu import Cpu
from bench.measure import Rates, ratio_table, table

ROOT = Path(__file__).parents[1]
SHORT = 60_000
BATCH = 4096
FASTEST = "by hand in PyFlink"


@dataclass(frozen=True)
class Data:
    """Files of one shape and format, and the model that scores them."""

    shape: decode.Shape
    written: str
    bad: float
    model: Path
    directory: Path

    @property
    def name(self) -> str:
        """As the table calls it."""
        return f"{self.shape.name}, {self.written.upper()}, {self.bad:.0%} bad"

    def file(self, rows: int) -> Path:
        """A directory with so many records in four files, made when it is first asked for."""
        name = f"{self.shape.feeds[0]}-{self.written}-{self.bad}-{rows}"
        target = self.directory / name
        if not target.is_dir():
            target.mkdir(parents=True)
            lines = decode.lines_of(self.shape, self.written, self.bad)
            block = b"\n".join(lines) + b"\n"
            for at in range(4):
                times = -(-rows // 4 // len(lines))
                (target / f"part-{at}").write_bytes(block * times)
        return target

    def rows(self, rows: int) -> int:
        """How many records there really are: files hold whole blocks."""
        return -(-rows // 4 // decode.SIZE) * decode.SIZE * 4


@dataclass(frozen=True)
class Spent:
    """What one run took: seconds by the clock, and CPU seconds of all its processes."""

    wall: float
    cpu: float


Run = Callable[[Data, int, Path, int], list[str]]
"""The command of a way: data, rows, where results go, parallelism."""


def by_hand(data: Data, rows: int, target: Path, parallelism: int) -> list[str]:
    """PyFlink's own format and a pandas UDF; it fails on the first bad record."""
    return [sys.executable, "-m", "bench.byhand", _job(data, rows, target, parallelism).text()]


def spark(data: Data, rows: int, target: Path, parallelism: int) -> list[str]:
    """Structured Streaming, from_json and predict_batch_udf; a bad record becomes one of nulls."""
    told = _job(data, rows, target, parallelism).text()
    return [sys.executable, "-m", "bench.spark_files", told]


def _job(data: Data, rows: int, target: Path, parallelism: int) -> Job:
    return Job(
        model=str(data.model),
        source=str(data.file(rows)),
        sink=str(target),
        written=data.written,
        types=data.shape.types,
        feeds=list(data.shape.feeds),
        keep=list(data.shape.keep),
        parallelism=parallelism,
    )


def plain(data: Data, rows: int, target: Path, _parallelism: int) -> list[str]:
    """A loop in one process: orjson, numpy, the model, orjson."""
    told = [str(data.shape.name), data.written, str(data.model), str(data.file(rows)), str(target)]
    return [sys.executable, "-m", "bench.plain", *told]


def ours(on_error: str) -> Run:
    """`modelstream run` of a manifest."""

    def command(data: Data, rows: int, target: Path, parallelism: int) -> list[str]:
        manifest = target.with_suffix(".yaml")
        manifest.write_text(yaml.safe_dump(_manifest(data, rows, target, parallelism, on_error)))
        return [sys.executable, "-m", "modelstream", "run", str(manifest)]

    return command


def _manifest(
    data: Data, rows: int, target: Path, parallelism: int, on_error: str
) -> dict[str, Any]:
    shape = data.shape
    schema = [{"name": name, "type": kind} for name, kind in shape.types.items()]
    pipeline: dict[str, Any] = {
        "source": _files(data.written, data.file(rows)) | {"schema": schema},
        "inference": {
            "model": "scorer",
            "inputs": {name: name for name in shape.feeds},
            "outputs": {"y": "y"},
            "keep": list(shape.keep),
            "batch": {"maxSize": BATCH},
            "onError": on_error,
        },
        "sink": _files(data.written, target),
    }
    if on_error == "DeadLetter":
        pipeline["deadLetter"] = _files("json", target.with_name(f"{target.name}-bad"))
    return {
        "apiVersion": "modelstream.dev/v1alpha1",
        "kind": "ModelStream",
        "metadata": {"name": "bench"},
        "spec": {
            "models": [{"name": "scorer", "uri": f"file://{data.model}"}],
            "pipeline": pipeline,
            "flink": {"runtimeMode": "Batch", "parallelism": parallelism},
        },
    }


def _files(written: str, path: Path) -> dict[str, Any]:
    return {"connector": "filesystem", "format": written, "options": {"path": str(path)}}


@dataclass(frozen=True)
class Way:
    """One way to do the work."""

    name: str
    command: Run
    processes: bool = True
    bad_too: bool = True
    formats: tuple[str, ...] = ("json", "csv")


WAYS = (
    Way("a plain loop", plain),
    Way(FASTEST, by_hand, bad_too=False),
    Way("Spark, predict_batch_udf", spark, bad_too=False, formats=("json",)),
    Way("modelstream, Fail", ours("Fail"), bad_too=False),
    Way("modelstream, DeadLetter", ours("DeadLetter")),
    Way("modelstream, DeadLetter, threads", ours("DeadLetter"), processes=False),
)


def once(way: Way, data: Data, rows: int, parallelism: int, scratch: Path) -> Spent:
    """Run it, and see that it wrote as many results as it should."""
    target = scratch / "results"
    command = way.command(data, rows, target, parallelism)
    mode = "process" if way.processes else "loopback"
    start = time.perf_counter()
    running = subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "_python_worker_execution_mode": mode},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    cpu = Cpu(running.pid)
    said, _ = running.communicate()
    spent = Spent(time.perf_counter() - start, cpu.seconds())
    if running.returncode:
        raise RuntimeError(f"{way.name}, {data.name}:\n{said[-4000:]}")
    good = _count(target)
    expected = data.rows(rows) - round(data.bad and _bad(data) * data.rows(rows))
    if good != expected:
        raise RuntimeError(f"{way.name}, {data.name}: {good} results instead of {expected}")
    for each in scratch.glob("results*"):
        shutil.rmtree(each) if each.is_dir() else each.unlink()
    return spent


def _bad(data: Data) -> float:
    every = round(1 / data.bad)
    return len(range(0, decode.SIZE, every)) / decode.SIZE


def _count(directory: Path) -> int:
    files = [each for each in directory.rglob("*") if each.is_file()]
    shown = [each for each in files if not _is_hidden(each.relative_to(directory))]
    return sum(each.read_bytes().count(b"\n") for each in shown)


def _is_hidden(path: Path) -> bool:
    """Whether a file or a directory above it is not one of results."""
    return any(part[0] in "._" for part in path.parts)


@dataclass(frozen=True)
class Measured:
    """The figures of one way over one kind of data, one a repeat."""

    rate: tuple[float, ...]
    cpu: tuple[float, ...]
    start: tuple[float, ...]


def cases(
    models: dict[str, Path], directory: Path, only: str
) -> Iterator[tuple[str, Way, Data, int]]:
    """What is run: each way over each kind of data."""
    for shape, written, bad, parallelism in product(
        decode.SHAPES, ("json", "csv"), (0.0, 0.01), (1, 2)
    ):
        data = Data(shape, written, bad, models[shape.name], directory)
        for way in WAYS:
            single = way.command is plain and parallelism > 1
            name = f"{data.name}, parallelism {parallelism}: {way.name}"
            fits = written in way.formats and (way.bad_too or not bad)
            if only in name and not single and fits:
                yield name, way, data, parallelism


def measure(
    chosen: Sequence[tuple[str, Way, Data, int]], repeats: int, rows: int, scratch: Path
) -> dict[str, Measured]:
    """Every case once, then every case again."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    for repeat in range(repeats):
        for name, way, data, parallelism in chosen:
            short = once(way, data, SHORT, parallelism, scratch)
            long = once(way, data, rows, parallelism, scratch)
            more = data.rows(rows) - data.rows(SHORT)
            rate = more / max(long.wall - short.wall, 1e-3)
            cpu = (long.cpu - short.cpu) / more * 1e6
            found.setdefault(name, []).append((rate, cpu, short.wall))
            said = f"{rate:,.0f} rows/s, {cpu:.1f} CPU µs a row, {short.wall:.1f} s for {SHORT:,}"
            print(f"  {repeat + 1}/{repeats} {name}: {said}", flush=True)
    return {name: Measured(*zip(*figures, strict=True)) for name, figures in found.items()}


def pairs(names: Sequence[str]) -> list[tuple[str, str]]:
    """Which are divided by which: the stricter of ours by the others."""
    found = []
    for name in names:
        data, _, way = name.partition(": ")
        if way == "modelstream, DeadLetter":
            found += [(name, f"{data}: {other.name}") for other in WAYS if other.name != way]
    return found


def report(results: dict[str, Measured]) -> str:
    """The tables, as Markdown."""
    rates = [Rates(name, each.rate) for name, each in results.items()]
    lines = ["| case | CPU µs a row | seconds of the short run |", "| --- | ---: | ---: |"]
    for name, each in results.items():
        cpu, start = statistics.median(each.cpu), statistics.median(each.start)
        lines.append(f"| {name} | {cpu:.1f} | {start:.1f} |")
    return "\n\n".join([table(rates), ratio_table(rates, pairs(list(results))), "\n".join(lines)])


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(prog="python -m bench.pipeline", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rows", type=int, default=600_000)
    parser.add_argument("--only", default="", help="the cases whose name has this in it")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        base = Path(directory)
        chosen = list(cases(decode.export(base), base / "data", options.only))
        if not chosen:
            parser.error(f"no case has {options.only!r} in its name")
        print(report(measure(chosen, options.repeats, options.rows, base)))


if __name__ == "__main__":
    main()
