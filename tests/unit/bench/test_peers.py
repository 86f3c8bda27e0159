from pathlib import Path

import numpy as np
import pytest
from bench import spark
from bench.mlp import INPUTS
from bench.peers import PERIOD, check, vectors
from bench.spark import Spark

from modelstream.cli.java import Java


def test_vectors_begin_again_after_a_period() -> None:
    made = vectors(2 * PERIOD)
    assert made.shape == (2 * PERIOD, INPUTS)
    assert made.dtype == np.float32
    assert np.array_equal(made[:PERIOD], made[PERIOD:])
    assert len(np.unique(made[:PERIOD], axis=0)) == PERIOD


@pytest.mark.parametrize(
    ("count", "first", "said"),
    [
        pytest.param(9, [0.1, 0.2], "Spark gave 9 results for 10 rows", id="too few"),
        pytest.param(10, [0.1, 0.3], "where TensorFlow gives", id="wrong"),
    ],
)
def test_a_run_does_not_count_without_its_results(
    count: int, first: list[float], said: str
) -> None:
    with pytest.raises(RuntimeError, match=said):
        check("Spark", 10, count, first, [0.1, 0.2])


def test_a_run_counts_with_the_results_of_tensorflow() -> None:
    check("Spark", 10, 10, [0.1000001, 0.2], [0.1, 0.2])


def test_a_spark_that_ends_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "installed", lambda: tmp_path)
    monkeypatch.setattr(spark, "find_java", lambda: Java(tmp_path, 17, "PATH"))
    with pytest.raises(RuntimeError, match="No module named 'pyspark'"):
        Spark(tmp_path, tmp_path / "spark.log").run(10)


def test_spark_wants_java_17(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spark, "find_java", lambda: Java(tmp_path, 11, "JAVA_HOME"))
    with pytest.raises(RuntimeError, match="JAVA_HOME has 11"):
        Spark(tmp_path, tmp_path / "spark.log").run(10)
