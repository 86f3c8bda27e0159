"""What a user might pick instead: Beam's RunInference and Spark's predict_batch_udf.

Same model, rows alike: vector ``n`` holds the fractions ``(16 n + i) mod 1021 / 1021``, so that
whoever makes it knows what has to come out. No run counts that gave a wrong or no result.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from bench.measure import Case
from bench.mlp import INPUTS

BATCH = 1024
PERIOD = 1021
"""After so many the vectors begin again. A prime, so that it takes that long."""
FIRST = 4
"""How many results of each run are compared with TensorFlow's."""

BEAM, SPARK = f"Beam RunInference, batch {BATCH}", f"Spark predict_batch_udf, batch {BATCH}"
PAIRS = [(f"infer, batch {BATCH}", BEAM), (f"infer, batch {BATCH}", SPARK)]


def vectors(count: int) -> np.ndarray:
    """The first vectors, one a row."""
    numbers = np.arange(count * INPUTS).reshape(count, INPUTS)
    return (numbers % PERIOD / PERIOD).astype(np.float32)


def cases(model: Path, scratch: Path) -> list[Case]:
    """One for each; Spark is installed when its case first runs."""
    from bench.spark import Spark

    expected = scores(model, FIRST)
    spark = Spark(model, scratch / "spark.log")

    def run_spark(rows: int) -> None:
        count, *first = spark.run(rows)
        check("Spark", rows, count, first, expected)

    return [
        Case(BEAM, beam(model, expected), 1_500_000, 100_000),
        Case(SPARK, run_spark, 1_000_000, 50_000),
    ]


def beam(model: Path, expected: list[float]) -> Callable[[int], None]:
    """The case of Beam, which is imported when it first runs."""

    def run(rows: int) -> None:
        from bench.beam import inferred

        inferred(model, expected)(rows)

    return run


def scores(model: Path, count: int) -> list[float]:
    """What TensorFlow alone says of the first vectors."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(model))
    result = loaded.signatures["serving_default"](x=tf.constant(vectors(count)))
    return [float(y) for y in result["y"].numpy()]


def check(
    who: str, rows: int, count: int, first: Sequence[float], expected: Sequence[float]
) -> None:
    """Whether all rows have results, and the first ones are TensorFlow's.

    Raises:
        RuntimeError: no.
    """
    if count != rows:
        raise RuntimeError(f"{who} gave {count} results for {rows} rows")
    if not np.allclose(first, expected, rtol=1e-4, atol=1e-5):
        raise RuntimeError(f"{who} gave {list(first)} where TensorFlow gives {list(expected)}")
