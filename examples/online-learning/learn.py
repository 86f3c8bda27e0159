"""Score clicks with last night's model, and with one that goes on learning: learn.py DIR RECORDS.

What people click on changes during the day. Each record is scored twice, by the model as it was
exported, in SQL, and by an online model that began as the same one. One model a country learns from
the clicks of its country.
"""

from __future__ import annotations  # a function that is pickled cannot look its annotations up

import sys
from datetime import timedelta
from typing import Any

from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import DataTypes, Schema, StreamTableEnvironment, TableDescriptor

import modelstream as ms

SOURCE = """
CREATE TEMPORARY TABLE source (id INT) WITH (
  'connector' = 'datagen', 'rows-per-second' = '1000000',
  'fields.id.kind' = 'sequence', 'fields.id.start' = '0', 'fields.id.end' = '{last}'
)"""

# What a datagen source has no words for: numbers that look random and are the same in each run.
# The taste turns from the second feature to the first, then to the opposite of the second.
CLICKS = """
CREATE TEMPORARY VIEW clicks AS
SELECT id, country, x, frozen(x).score AS frozen,
  CAST(IF({u5} < 1 / (1 + EXP(-4 * (COS(turn) * x[2] + SIN(turn) * x[1]))), 1, 0) AS FLOAT)
    AS clicked
FROM (
  SELECT id, ELT(1 + MOD(id, 3), 'CH', 'JP', 'PE') AS country,
    PI() * id / {records} AS turn,
    ARRAY[{x1}, {x2}, {x3}, {x4}] AS x
  FROM source
)"""


def random(seed: int) -> str:
    """SQL for a number between 0 and 1 that depends on the id and nothing else."""
    wave = f"SIN(id * 12.9898 + {seed} * 78.233) * 43758.5453"
    return f"({wave} - FLOOR({wave}))"


def feature(seed: int) -> str:
    """SQL for a number between -1 and 1."""
    return f"CAST(2 * {random(seed)} - 1 AS FLOAT)"


def clicks(t_env: StreamTableEnvironment, records: int) -> Any:
    """The stream, with the score of last night's model."""
    ms.register(t_env, "frozen", ms.model("clicks"), batch=ms.Batch(max_size=1024))
    t_env.execute_sql(SOURCE.format(last=records - 1))
    features = {f"x{number}": feature(number) for number in range(1, 5)}
    t_env.execute_sql(CLICKS.format(records=records, u5=random(5), **features))
    return t_env.from_path("clicks")


def online() -> ms.OnlineModel:
    """A model that begins with last night's weights."""
    exported = str(ms.model("clicks").path)

    def build() -> Any:
        import tensorflow as tf

        class Clicks(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
            def __init__(self) -> None:
                night = tf.saved_model.load(exported)
                self.weights = tf.Variable(night.weights)
                self.bias = tf.Variable(night.bias)

            def __call__(self, x: Any) -> Any:
                return tf.sigmoid(x @ self.weights + self.bias)[:, 0]

        return Clicks()

    def optimizer() -> Any:
        import keras

        return keras.optimizers.SGD(0.5)

    return ms.OnlineModel(
        build,
        loss="binary_crossentropy",
        optimizer=optimizer,
        inputs={"x": ms.TensorSpec("float32", (None, 4))},
        labels={"clicked": ms.TensorSpec("float32", (None,))},
        update_every=16,
        max_latency=timedelta(seconds=1),
        name="clicks",
    )


def main(directory: str, records: int) -> None:
    """Run the stream to its end."""
    env = StreamExecutionEnvironment.get_execution_environment()
    t_env = StreamTableEnvironment.create(env)
    stream = t_env.to_data_stream(clicks(t_env, records))
    keyed = stream.key_by(lambda row: row.country)
    learned = ms.learn(keyed, online(), keep=["id", "country", "frozen", "clicked"])
    columns = ("country STRING", "frozen FLOAT", "clicked FLOAT", "score FLOAT", "loss FLOAT")
    schema = Schema.new_builder().column("id", DataTypes.INT())
    for column in columns:
        schema.column(*column.split())
    schema.column("updates", DataTypes.BIGINT())
    sink = TableDescriptor.for_connector("filesystem").schema(schema.build()).format("json")
    table = t_env.from_data_stream(learned.scored)
    table.execute_insert(sink.option("path", directory).build()).wait()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
