"""Interleaved repeats and what is said about them."""

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_ATTEMPTS = 3


@dataclass(frozen=True)
class Case:
    """One way to do the work. ``run(rows)`` does it for that many rows and returns when done."""

    name: str
    run: Callable[[int], None]
    rows: int
    warm_rows: int


@dataclass(frozen=True)
class Rates:
    """Rows a second, one figure a repeat."""

    name: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The figure to quote."""
        return statistics.median(self.values)


def seconds(run: Callable[[int], None], rows: int) -> float:
    """Wall seconds of one run."""
    start = time.perf_counter()
    run(rows)
    return time.perf_counter() - start


def rate(case: Case) -> float:
    """Rows a second without the start of the job: the difference between a long and a short run."""
    for _ in range(_ATTEMPTS):
        short = seconds(case.run, case.warm_rows)
        long = seconds(case.run, case.rows)
        if long > short:
            return (case.rows - case.warm_rows) / (long - short)
    raise RuntimeError(
        f"{case.name}: {case.rows} rows took no longer than {case.warm_rows}, {_ATTEMPTS} times: "
        f"the machine is too busy to measure anything"
    )


def interleave(cases: Sequence[Case], repeats: int) -> list[Rates]:
    """Run every case once, then every case again, so that a slow spell of the machine hits all."""
    values: dict[str, list[float]] = {case.name: [] for case in cases}
    for case in cases:  # files, classes and caches are warm before anything counts
        took = seconds(case.run, case.warm_rows)
        print(f"  warm {case.name} ({took:.0f} s)", flush=True)
    for repeat in range(repeats):
        for case in cases:
            start = time.perf_counter()
            figure = rate(case)
            values[case.name].append(figure)
            took = time.perf_counter() - start
            said = f"  {repeat + 1}/{repeats} {case.name}: {figure:,.0f} rows/s ({took:.0f} s)"
            print(said, flush=True)
    return [Rates(name, tuple(figures)) for name, figures in values.items()]


def ratios(ours: Rates, theirs: Rates) -> tuple[float, float, float]:
    """Min, median and max of ours ÷ theirs, repeat by repeat."""
    pairs = [a / b for a, b in zip(ours.values, theirs.values, strict=True)]
    return min(pairs), statistics.median(pairs), max(pairs)


def table(results: Sequence[Rates]) -> str:
    """Markdown: rows a second of each case."""
    lines = ["| case | min | median | max |", "| --- | ---: | ---: | ---: |"]
    for result in results:
        figures = [min(result.values), result.median, max(result.values)]
        lines.append("| " + " | ".join([result.name, *(f"{f:,.0f}" for f in figures)]) + " |")
    return "\n".join(lines)


def ratio_table(results: Sequence[Rates], pairs: Sequence[tuple[str, str]]) -> str:
    """Markdown: the first of each pair divided by the second, within each repeat."""
    by_name = {result.name: result for result in results}
    lines = []
    for ours, theirs in pairs:
        if ours in by_name and theirs in by_name:
            low, middle, high = ratios(by_name[ours], by_name[theirs])
            lines.append(f"| {ours} ÷ {theirs} | {low:.2f} | {middle:.2f} | {high:.2f} |")
    head = ["| ratio | min | median | max |", "| --- | ---: | ---: | ---: |"]
    return "\n".join([*head, *lines]) if lines else ""


def limits(results: Sequence[Rates], batches: Sequence[int]) -> str:
    """Where the time of a row goes in `infer`, next to what transport and model take alone."""
    medians = {result.name: 1e9 / result.median for result in results}
    lines = []
    for batch in batches:
        names = [
            f"{case}, batch {batch}" for case in ("infer", "transport alone", "TensorFlow alone")
        ]
        if all(name in medians for name in names):
            whole, transport, model = (medians[name] for name in names)
            lines.append(
                f"infer, batch {batch}: {whole:,.0f} ns a row; transport alone {transport:,.0f}, "
                f"TensorFlow alone {model:,.0f}, the rest {whole - transport - model:+,.0f}"
            )
    return "\n".join(lines)
