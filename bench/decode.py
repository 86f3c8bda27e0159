"""CPU time of a record in the Python worker, without Flink: from an Arrow batch of lines to Arrow.

python -m bench.decode [--repeats 5] [--rounds 10] [--only NAME]; see docs/bench.md

Beside it a loop that a user could write: orjson, numpy, the SavedModel, orjson. It writes its
results as JSON lines, which Flink does for a job.
"""

import argparse
import os
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any
from unittest.mock import Mock

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import orjson
import pyarrow as pa

from bench import mlp
from modelstream import Batch, DeadLetter, Predict, SavedModel
from modelstream.job import decode
from modelstream.scoring.plan import Plan
from modelstream_crds.v1alpha1 import Column

STAGES = ("in", "decode", "convert", "score", "result")
SIZE = 1024
COUNTRIES = ("DE", "FR", "IT", "PL", "other")
Lap = Callable[[str], None]
Record = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """Records of one kind, and the model that scores them."""

    name: str
    types: dict[str, str]
    feeds: tuple[str, ...]
    keep: tuple[str, ...]
    record: Callable[[random.Random, int], Record]


SHAPES = (
    Shape(
        "16 floats",
        {"id": "BIGINT", "x": "ARRAY<FLOAT>", "name": "STRING"},
        ("x",),
        ("id", "name"),
        lambda draw, at: {
            "id": at,
            "x": [round(draw.gauss(0, 1), 6) for _ in range(mlp.INPUTS)],
            "name": f"name-{at % 100}",
        },
    ),
    Shape(
        "3 flat fields",
        {"id": "BIGINT", "amount": "DOUBLE", "country": "STRING"},
        ("amount", "country"),
        ("id",),
        lambda draw, at: {
            "id": at,
            "amount": round(draw.uniform(0, 1000), 2),
            "country": draw.choice(COUNTRIES),
        },
    ),
    Shape(
        "a text of 500 bytes",
        {"id": "BIGINT", "text": "STRING"},
        ("text",),
        ("id",),
        lambda draw, at: {
            "id": at,
            "text": "".join(draw.choices("abcdefghijklmnopqrstuvwxyz     ", k=500)),
        },
    ),
)


def export(directory: Path) -> dict[str, Path]:
    """A SavedModel for each shape."""
    import tensorflow as tf

    class Flat(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
        def __init__(self) -> None:
            keys = tf.constant(COUNTRIES)
            values = tf.range(len(COUNTRIES), dtype=tf.int64)
            initializer = tf.lookup.KeyValueTensorInitializer(keys, values)
            self.table = tf.lookup.StaticHashTable(initializer, -1)

        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.float32, name="amount"),
                tf.TensorSpec([None], tf.string, name="country"),
            ]
        )
        def __call__(self, amount: tf.Tensor, country: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"y": amount + tf.cast(self.table.lookup(country), tf.float32)}

    class Text(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def __call__(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"y": tf.cast(tf.strings.length(text), tf.float32)}

    found = {SHAPES[0].name: mlp.export(directory / "mlp")}
    for shape, model in zip(SHAPES[1:], (Flat(), Text()), strict=True):
        found[shape.name] = directory / shape.feeds[0]
        signatures = {"serving_default": model.__call__}
        tf.saved_model.save(model, str(found[shape.name]), signatures=signatures)
    return found


def lines_of(shape: Shape, written: str, bad: float) -> list[bytes]:
    """A batch of records; of the bad ones JSON is cut, and CSV has too many fields."""
    draw = random.Random(7)
    records = [shape.record(draw, at) for at in range(SIZE)]
    lines = [orjson.dumps(each) if written == "json" else _csv(each) for each in records]
    for at in range(SIZE):
        if bad and at % round(1 / bad) == 0:
            lines[at] = lines[at][:-20] if written == "json" else lines[at] + b",,1"
    return lines


def _csv(record: Record) -> bytes:
    fields = (
        ";".join(map(str, each)) if isinstance(each, list) else str(each)
        for each in record.values()
    )
    return ",".join(fields).encode()


def ours(shape: Shape, written: str, model: Path, lines: Sequence[bytes]) -> Callable[[Lap], None]:
    """What the worker does between Flink's Arrow batches."""
    from pyflink.fn_execution import coders
    from pyflink.table import DataTypes
    from pyflink.table.utils import pandas_to_arrow

    from modelstream.flink.udf import Arguments, ModelFunction

    columns = [Column(name=name, type=kind) for name, kind in shape.types.items()]
    plan = Plan.of(
        SavedModel(model), Predict(), keep=shape.keep, batch=Batch(SIZE), on_error=DeadLetter()
    )
    plan = replace(plan, decoder=decode.decoder(written, columns, {}))
    function = ModelFunction(plan, Arguments(("line",)))
    function.open(Mock(get_metric_group=Mock(side_effect=RuntimeError)))
    batch = pa.RecordBatch.from_arrays([pa.array(lines, pa.binary())], ["line"])
    kinds = {"BIGINT": pa.int64(), "STRING": pa.string()}
    fields = [(name, kinds[shape.types[name]]) for name in shape.keep]
    made = pa.struct([*fields, ("y", pa.float32()), ("error", pa.string())])
    schema = pa.schema([("result", made)])
    row = DataTypes.ROW([DataTypes.FIELD("y", DataTypes.FLOAT())])

    def run(lap: Lap) -> None:
        handed = coders.coder_impl.arrow_to_pandas("UTC", [DataTypes.BYTES()], [batch])
        lap("in")
        arguments, given = function._given(handed)
        lap("decode")
        function._scorer.bound.encode(given.rows.columns)
        lap("convert")
        outcome = function._session.score(function._scorer, given, plan.on_error)
        lap("score")
        pandas_to_arrow(schema, "UTC", [row], [function._frame(arguments, given, outcome)])
        lap("result")

    return run


def loop(shape: Shape, written: str, model: Path, lines: Sequence[bytes]) -> Callable[[Lap], None]:
    """What takes ten lines to write."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(model))
    call = loaded.signatures["serving_default"]
    read = orjson.loads if written == "json" else csv_reader(shape)

    def run(lap: Lap) -> None:
        records, bad = [], []
        for line in lines:
            try:
                records.append(read(line))
            except ValueError:
                bad.append(line)
        lap("decode")
        arrays = {
            name: np.array(
                [record[name] for record in records],
                object if shape.types[name] == "STRING" else np.float32,
            )
            for name in shape.feeds
        }
        lap("convert")
        scores = call(**{name: tf.constant(each) for name, each in arrays.items()})["y"].numpy()
        lap("score")
        for record, score in zip(records, scores.tolist(), strict=True):
            orjson.dumps({**{name: record[name] for name in shape.keep}, "y": score})
        lap("result")

    loaded_with_it = loaded  # its variables live as long as it does
    run.__dict__["model"] = loaded_with_it
    return run


def csv_reader(shape: Shape) -> Callable[[bytes], Record]:
    readers: dict[str, Callable[[str], Any]] = {
        "BIGINT": int,
        "DOUBLE": float,
        "STRING": str,
        "ARRAY<FLOAT>": lambda text: list(map(float, text.split(";"))),
    }
    convert = [readers[kind] for kind in shape.types.values()]

    def read(line: bytes) -> Record:
        fields = line.decode().split(",")
        pairs = zip(shape.types, convert, fields, strict=True)
        return {name: each(field) for name, each, field in pairs}

    return read


def measured(run: Callable[[Lap], None], rounds: int) -> dict[str, float]:
    """CPU µs a record, of all threads, by stage."""
    spent = dict.fromkeys(STAGES, 0)
    last = time.process_time_ns()

    def lap(stage: str) -> None:
        nonlocal last
        now = time.process_time_ns()
        spent[stage] += now - last
        last = time.process_time_ns()

    for _ in range(rounds):
        last = time.process_time_ns()
        run(lap)
    return {stage: ns / 1000 / rounds / SIZE for stage, ns in spent.items()}


def cases(models: dict[str, Path], only: str) -> Iterator[tuple[str, Callable[[Lap], None]]]:
    """Each way of each shape, format and share of bad records."""
    for shape, written, bad in product(SHAPES, ("json", "csv"), (0.0, 0.01)):
        name = f"{shape.name}, {written.upper()}, {bad:.0%} bad"
        lines = lines_of(shape, written, bad)
        for way, make in (("ours", ours), ("loop", loop)):
            if only in f"{name}: {way}":
                yield f"{name}: {way}", make(shape, written, models[shape.name], lines)


def table(results: dict[str, list[dict[str, float]]]) -> str:
    """Markdown: medians by stage, and of the whole."""
    lines = [f"| CPU µs a record | {' | '.join(STAGES)} | all |", "| --- |" + " ---: |" * 6]
    for name, repeats in results.items():
        parts = [statistics.median(each[stage] for each in repeats) for stage in STAGES]
        whole = statistics.median(sum(each.values()) for each in repeats)
        lines.append(f"| {name} | " + " | ".join(f"{us:.2f}" for us in [*parts, whole]) + " |")
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.decode", description=__doc__)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--only", default="", help="the cases whose name has this in it")
    options = parser.parse_args()
    results: dict[str, list[dict[str, float]]] = {}
    with tempfile.TemporaryDirectory() as directory:
        ways = dict(cases(export(Path(directory)), options.only))
        for run in ways.values():
            measured(run, 2)
        for _, (name, run) in product(range(options.repeats), ways.items()):
            one = measured(run, options.rounds)
            if name.endswith("ours"):
                one["score"] -= one["convert"]  # scoring converts, and converted before
            results.setdefault(name, []).append(one)
    print(table(results))


if __name__ == "__main__":
    main()
