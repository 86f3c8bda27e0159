"""The main job in Spark: from_json, predict_batch_udf, a stream over files that ends with them.

A process of its own: python -m bench.spark_files JOB, where JOB is that of `bench.byhand`.
"""

import json
import os
import sys
from inspect import Parameter, Signature
from typing import Any

import numpy as np

from bench.byhand import SETTINGS, Job
from bench.mlp import INPUTS
from bench.spark import environment


def predictor(job: Job) -> Any:
    """What Spark calls once in a worker, for a function that it calls with each batch."""
    model, feeds = job.model, job.feeds
    texts = {name for name in feeds if job.types[name] == "STRING"}

    def load() -> Any:
        import tensorflow as tf

        loaded = tf.saved_model.load(model)

        def predict(*columns: np.ndarray) -> np.ndarray:
            given = {
                name: tf.constant(column.astype(object if name in texts else np.float32))
                for name, column in zip(feeds, columns, strict=True)
            }
            scores: np.ndarray = loaded.signatures["serving_default"](**given)["y"].numpy()
            return scores

        # Spark counts them, and hands over one column where it counts one.
        named = [Parameter(name, Parameter.POSITIONAL_ONLY) for name in feeds]
        vars(predict)["__signature__"] = Signature(named)
        return predict

    return load


def scorer(job: Job) -> Any:
    """The model as a function of columns, in batches as large as those of PyFlink by hand."""
    from pyspark.ml.functions import predict_batch_udf
    from pyspark.sql.types import FloatType

    vectors = [job.types[name].startswith("ARRAY") for name in job.feeds]
    return predict_batch_udf(
        predictor(job),
        return_type=FloatType(),
        batch_size=SETTINGS["arrow"],
        input_tensor_shapes=[[INPUTS] if each else None for each in vectors]
        if any(vectors)
        else None,
    )


def main(told: str) -> None:
    """Run the job to its end."""
    sys.path[:0] = os.environ["PYTHONPATH"].split(os.pathsep)[:1]
    from pyspark.sql import SparkSession
    from pyspark.sql import functions as F

    job = Job(**json.loads(told))
    builder = SparkSession.builder.master(f"local[{job.parallelism}]").appName("bench")
    builder = builder.config("spark.ui.enabled", "false").config("spark.log.level", "ERROR")
    spark = builder.config("spark.driver.host", "localhost").getOrCreate()
    types = ", ".join(f"`{name}` {kind}" for name, kind in job.types.items())
    lines = spark.readStream.text(job.source)
    records = lines.select(F.from_json("value", types).alias("record")).select("record.*")
    scored = records.select(*job.keep, scorer(job)(*job.feeds).alias("y"))
    writer = scored.writeStream.format("json").option("path", job.sink)
    writer = writer.option("checkpointLocation", f"{job.sink}-state").trigger(availableNow=True)
    writer.start().awaitTermination()


if __name__ == "__main__":
    os.environ |= environment()
    main(sys.argv[1])
