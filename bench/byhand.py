"""The job as one writes it in PyFlink: Flink's format, a pandas UDF that calls the model, a sink.

A process of its own: python -m bench.byhand JOB, where JOB is JSON with the keys of `Job`.
"""

import json
import os
import sys
from dataclasses import asdict, dataclass
from typing import Any

SETTINGS = {"arrow": 10_000, "bundle": 100_000}


@dataclass(frozen=True)
class Job:
    """What the program is told; ``feeds`` are columns and tensors at once, ``keep`` are columns."""

    model: str
    source: str
    sink: str
    written: str
    types: dict[str, str]
    feeds: list[str]
    keep: list[str]
    parallelism: int

    def text(self) -> str:
        """As `main` reads it."""
        return json.dumps(asdict(self))


def environment(parallelism: int) -> Any:
    """A batch environment whose Python workers are processes, at the faster of its settings."""
    from pyflink.table import EnvironmentSettings, TableEnvironment

    t_env = TableEnvironment.create(EnvironmentSettings.in_batch_mode())
    for option, value in {
        "parallelism.default": parallelism,
        "python.fn-execution.arrow.batch.size": SETTINGS["arrow"],
        "python.fn-execution.bundle.size": SETTINGS["bundle"],
        "table.exec.resource.default-parallelism": parallelism,
    }.items():
        t_env.get_config().set(option, str(value))
    return t_env


def scorer(job: Job) -> Any:
    """A pandas UDF of ten lines, with the model loaded when it opens."""
    import numpy as np
    import pandas as pd
    from pyflink.table import DataTypes
    from pyflink.table.udf import ScalarFunction, udf

    arrays = {name for name in job.feeds if job.types[name].startswith("ARRAY")}
    texts = {name for name in job.feeds if job.types[name] == "STRING"}
    model, feeds = job.model, job.feeds

    class Score(ScalarFunction):  # type: ignore[misc]  # a class of PyFlink's without types
        def open(self, function_context: Any) -> None:
            import tensorflow as tf

            self.tf = tf
            self.loaded = tf.saved_model.load(model)
            self.call = self.loaded.signatures["serving_default"]

        def eval(self, *columns: pd.Series) -> pd.Series:
            given = {}
            for name, column in zip(feeds, columns, strict=True):
                if name in arrays:
                    given[name] = np.stack(column.to_numpy()).astype(np.float32)
                else:
                    given[name] = column.to_numpy(object if name in texts else np.float32)
            tensors = {name: self.tf.constant(each) for name, each in given.items()}
            return pd.Series(self.call(**tensors)["y"].numpy())

    return udf(Score(), result_type=DataTypes.FLOAT(), func_type="pandas")


def main(told: str) -> None:
    """Run the job to its end."""
    job = Job(**json.loads(told))
    t_env = environment(job.parallelism)
    t_env.create_temporary_function("score", scorer(job))
    columns = ", ".join(f"`{name}` {kind}" for name, kind in job.types.items())
    kept = "".join(f"`{name}` {job.types[name]}, " for name in job.keep)
    files = f"'connector' = 'filesystem', 'format' = '{job.written}', 'path'"
    t_env.execute_sql(f"CREATE TABLE source ({columns}) WITH ({files} = '{job.source}')")
    t_env.execute_sql(f"CREATE TABLE sink ({kept}`y` FLOAT) WITH ({files} = '{job.sink}')")
    names = "".join(f"`{name}`, " for name in job.keep)
    feeds = ", ".join(f"`{name}`" for name in job.feeds)
    t_env.execute_sql(f"INSERT INTO sink SELECT {names}score({feeds}) FROM source").wait()


if __name__ == "__main__":
    os.environ["_python_worker_execution_mode"] = "process"  # noqa: SIM112  # PyFlink spells it so
    main(sys.argv[1])
