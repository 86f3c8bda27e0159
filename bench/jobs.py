"""The same rows through Flink: nothing but transport, a call per record, and `infer`."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.mlp import INPUTS

# A bundle of many Arrow batches, for the transport as `infer` sets it.
BUNDLE = 100_000


def environment() -> Any:
    """A streaming environment with one slot, whose Python workers are processes of their own."""
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.table import StreamTableEnvironment

    env = StreamExecutionEnvironment.get_execution_environment()
    env.set_parallelism(1)
    t_env = StreamTableEnvironment.create(env)
    # `infer` does this for datagen, whose source could lose a bundle; here it is so for all.
    t_env.get_config().set("pipeline.operator-chaining.enabled", "false")
    return t_env


def source(t_env: Any, rows: int) -> Any:
    """``rows`` random vectors, made inside the JVM."""
    t_env.execute_sql("DROP TEMPORARY TABLE IF EXISTS vectors")
    t_env.execute_sql(
        "CREATE TEMPORARY TABLE vectors (x ARRAY<FLOAT>) WITH ('connector' = 'datagen', "
        f"'number-of-rows' = '{rows}', 'rows-per-second' = '100000000', "
        f"'fields.x.length' = '{INPUTS}')"
    )
    return t_env.from_path("vectors")


def drain(t_env: Any, table: Any, columns: str) -> None:
    """Run the job to its end; the rows go nowhere."""
    t_env.execute_sql("DROP TEMPORARY TABLE IF EXISTS nowhere")
    t_env.execute_sql(
        f"CREATE TEMPORARY TABLE nowhere ({columns}) WITH ('connector' = 'blackhole')"
    )
    table.execute_insert("nowhere").wait()


def transport(batch: int) -> Callable[[int], None]:
    """A pandas UDF that reads the vectors and returns one float a row, without a model."""

    def run(rows: int) -> None:
        import numpy as np
        import pandas as pd
        from pyflink.table import DataTypes
        from pyflink.table.expressions import col
        from pyflink.table.udf import udf

        def nothing(x: pd.Series) -> pd.Series:
            return pd.Series(np.zeros(len(x), dtype=np.float32))

        t_env = environment()
        for key, value in {"arrow.batch.size": batch, "bundle.size": BUNDLE}.items():
            t_env.get_config().set(f"python.fn-execution.{key}", str(value))
        call = udf(nothing, result_type=DataTypes.FLOAT(), func_type="pandas")
        drain(t_env, source(t_env, rows).select(call(col("x")).alias("y")), "y FLOAT")

    return run


def per_record(model: Path) -> Callable[[int], None]:
    """A DataStream map that calls the model once a record, as one writes it first."""

    def run(rows: int) -> None:
        import numpy as np
        from pyflink.common import Types
        from pyflink.datastream import MapFunction, RuntimeContext

        class Score(MapFunction):
            def open(self, runtime_context: RuntimeContext) -> None:
                import tensorflow as tf

                self.constant = tf.constant
                self.loaded = tf.saved_model.load(str(model))
                self.call = self.loaded.signatures["serving_default"]

            def map(self, value: Any) -> float:
                vector = self.constant(np.asarray([value[0]], dtype=np.float32))
                return float(self.call(x=vector)["y"].numpy()[0])

        t_env = environment()
        t_env.get_config().set("python.fn-execution.bundle.size", "10000")
        stream = t_env.to_data_stream(source(t_env, rows)).map(Score(), output_type=Types.FLOAT())
        drain(t_env, t_env.from_data_stream(stream), "y FLOAT")

    return run


def inferred(model: Path, batch: int) -> Callable[[int], None]:
    """What this project offers: `infer`."""

    def run(rows: int) -> None:
        import modelstream as ms

        t_env = environment()
        result = ms.infer(
            source(t_env, rows),
            ms.SavedModel(model),
            ms.Predict(inputs={"x": "x"}, outputs={"y": "y"}),
            keep=[],
            batch=ms.Batch(max_size=batch, max_latency=timedelta(seconds=1)),
            on_error=ms.Drop(),
        )
        drain(t_env, result.scored, "y FLOAT")

    return run


def streamed(model: Path, batch: int, path: str) -> Callable[[int], None]:
    """`infer` over a DataStream, by one of its paths, and a table of what comes out."""

    def run(rows: int) -> None:
        import modelstream as ms

        t_env = environment()
        result = ms.infer(
            t_env.to_data_stream(source(t_env, rows)),
            ms.SavedModel(model),
            keep=[],
            batch=ms.Batch(max_size=batch, max_latency=timedelta(seconds=1)),
            on_error=ms.Drop(),
            path=path,
        )
        drain(t_env, t_env.from_data_stream(result.scored), "y FLOAT")

    return run


def mapped(model: Path) -> Callable[[int], None]:
    """`map_with_model` over a DataStream: one call for each record, and what is around it."""

    def run(rows: int) -> None:
        from pyflink.common import Types

        import modelstream as ms

        t_env = environment()
        stream = t_env.to_data_stream(source(t_env, rows))
        method = ms.Predict()
        ms.configure(stream.get_execution_environment(), ms.Batch(max_latency=timedelta(seconds=1)))
        scored = ms.map_with_model(
            stream,
            ms.SavedModel(model),
            lambda row, m: m.score(row, method)["y"],
            output_type=Types.FLOAT(),
        )
        drain(t_env, t_env.from_data_stream(scored), "y FLOAT")

    return run
