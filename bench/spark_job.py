"""Spark's predict_batch_udf over the rows of `bench.peers`, in a process that has pyspark.

python -m bench.spark_job MODEL    for each line with a number of rows, one of results, as JSON
"""

import json
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
from pyspark.ml.functions import predict_batch_udf
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import FloatType

from bench.mlp import INPUTS
from bench.peers import BATCH, FIRST, PERIOD


def session() -> SparkSession:
    """One core of this machine, as the other cases have one slot."""
    builder = SparkSession.builder.master("local[1]").appName("bench")
    builder = builder.config("spark.ui.enabled", "false")
    return builder.config("spark.driver.host", "localhost").getOrCreate()


def vector() -> Column:
    """A vector of `bench.peers`, made inside the JVM from the number of its row."""
    elements = (F.col("id") * INPUTS + i for i in range(INPUTS))
    return F.array(*[(each % PERIOD / PERIOD).cast("float") for each in elements])


def predictor(model: str) -> Callable[[], Callable[[np.ndarray], np.ndarray]]:
    """What Spark calls once in a worker, for a function that it calls with each batch."""

    def load() -> Callable[[np.ndarray], np.ndarray]:
        import tensorflow as tf

        loaded = tf.saved_model.load(model)

        def predict(x: np.ndarray) -> np.ndarray:
            result: np.ndarray = loaded.signatures["serving_default"](x=x)["y"].numpy()
            return result

        return predict

    return load


def scored(spark: SparkSession, model: str, rows: int) -> list[Any]:
    """How many results there are, and the first ones. A sum in the JVM costs next to nothing."""
    score = predict_batch_udf(
        predictor(model),
        return_type=FloatType(),
        batch_size=BATCH,
        input_tensor_shapes=[[INPUTS]],
    )
    made = spark.range(0, rows, 1, 1).select("id", score(vector()).alias("y"))
    first = [F.max(F.when(F.col("id") == n, F.col("y"))) for n in range(FIRST)]
    return list(made.agg(F.count("y"), *first).collect()[0])


def main() -> None:
    """Answer until the input ends."""
    spark = session()
    for line in sys.stdin:
        print(json.dumps(scored(spark, sys.argv[1], int(line))), flush=True)
    spark.stop()


if __name__ == "__main__":
    main()
