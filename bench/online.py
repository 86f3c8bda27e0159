"""Models that learn: through Flink, against the same updates in TensorFlow alone."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from bench import jobs
from bench.measure import Case
from bench.mlp import HIDDEN, INPUTS

if TYPE_CHECKING:
    import modelstream as ms

BATCH = 32
TOGETHER = timedelta(seconds=1)
REPEATS = 300

PAIRS = [
    ("online, scored with its batch", "online, scored at once"),
    ("online, scored with its batch", "online, keyed transport alone"),
    ("online, scored with its batch", "online, TensorFlow alone"),
    ("online, scored with its batch, 100 keys", "online, scored with its batch"),
]


def definition(max_latency: timedelta | None = None, optimizer: str = "adam") -> ms.OnlineModel:
    """The network of the benchmarks, which learns."""
    import modelstream as ms

    inputs, hidden = INPUTS, HIDDEN

    def build() -> Any:
        import tensorflow as tf

        class Mlp(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
            def __init__(self) -> None:
                shapes = [(inputs, hidden), (hidden, hidden), (hidden, 1)]
                self.layers = [
                    (tf.Variable(tf.random.normal(s) / s[0] ** 0.5), tf.Variable(tf.zeros(s[1])))
                    for s in shapes
                ]

            def __call__(self, x: Any) -> Any:
                for weights, bias in self.layers[:-1]:
                    x = tf.nn.relu(x @ weights + bias)
                weights, bias = self.layers[-1]
                return (x @ weights + bias)[:, 0]

        return Mlp()

    return ms.OnlineModel(
        build,
        loss="mean_squared_error",
        optimizer=optimizer,
        inputs={"x": ms.TensorSpec("float32", (None, INPUTS))},
        labels={"y": ms.TensorSpec("float32", (None,))},
        update_every=BATCH,
        max_latency=max_latency,
    )


def cases() -> list[Case]:
    """Each takes the same rows: vectors and labels."""
    return [
        Case("online, TensorFlow alone", alone, 200_000, 20_000),
        Case("online, keyed transport alone", transport, 60_000, 6_000),
        Case("online, scored at once", learned(None, 1), 12_000, 1_200),
        Case("online, scored with its batch", learned(TOGETHER, 1), 60_000, 6_000),
        Case("online, scored with its batch, 100 keys", learned(TOGETHER, 100), 60_000, 6_000),
    ]


def alone(rows: int) -> None:
    """The updates of so many rows in a loop, without scores and without a stream."""
    learner, weights, x, y = _learner("adam")
    for _ in range(rows // BATCH):
        learner.learn(weights, [x], [y])


def learned(max_latency: timedelta | None, keys: int) -> Callable[[int], None]:
    """The online model on a keyed stream."""

    def run(rows: int) -> None:
        t_env = jobs.environment()
        stream = keyed(t_env, rows, keys)
        scored = ms.learn(stream, definition(max_latency), keep=[]).scored
        table = t_env.from_data_stream(scored)
        jobs.drain(t_env, table, "score FLOAT, loss FLOAT, updates BIGINT")

    return run


def transport(rows: int) -> None:
    """A keyed function that does nothing, on the same stream."""
    from pyflink.common import Types
    from pyflink.datastream import KeyedProcessFunction

    class Nothing(KeyedProcessFunction):  # type: ignore[misc]  # pyflink has no types
        def process_element(self, value: Any, ctx: Any) -> Any:
            yield value[1]

    t_env = jobs.environment()
    stream = keyed(t_env, rows, 1).process(Nothing(), output_type=Types.FLOAT())
    jobs.drain(t_env, t_env.from_data_stream(stream), "y FLOAT")


def keyed(t_env: Any, rows: int, keys: int) -> Any:
    """Vectors, labels and keys, made inside the JVM."""
    t_env.execute_sql("DROP TEMPORARY TABLE IF EXISTS examples")
    t_env.execute_sql(
        "CREATE TEMPORARY TABLE examples (x ARRAY<FLOAT>, k INT) WITH ('connector' = 'datagen', "
        f"'number-of-rows' = '{rows}', 'rows-per-second' = '100000000', "
        f"'fields.x.length' = '{INPUTS}', 'fields.x.element.min' = '0', "
        f"'fields.x.element.max' = '1', 'fields.k.min' = '1', 'fields.k.max' = '{keys}')"
    )
    table = t_env.sql_query("SELECT x, x[1] AS y, k FROM examples")
    return t_env.to_data_stream(table).key_by(lambda row: row.k)


def costs() -> str:
    """Markdown: what one key takes in Flink's state, and one update."""
    lines = [
        f"| {BATCH} records an update | state of a key | an update | state to bytes and back |",
        "| --- | ---: | ---: | ---: |",
    ]
    from modelstream.online.memory import Memory

    for optimizer in ("sgd", "adam"):
        learner, weights, x, y = _learner(optimizer)
        update = _microseconds(lambda: learner.learn(weights, [x], [y]))  # noqa: B023  # called now
        memory = Memory(weights, learner.layout)
        data = memory.to_bytes()
        both = _microseconds(lambda: Memory.from_bytes(memory.to_bytes()))  # noqa: B023  # as above
        lines.append(f"| {optimizer} | {len(data):,} bytes | {update:,.0f} µs | {both:,.0f} µs |")
    return "\n".join(lines)


def _learner(optimizer: str) -> tuple[Any, Any, Any, Any]:
    import numpy as np

    from modelstream.online.learner import deterministic

    learner = deterministic(definition(optimizer=optimizer))
    x = np.random.default_rng(1).normal(size=(BATCH, INPUTS)).astype(np.float32)
    return learner, learner.begin().weights, x, x[:, 0].copy()


def _microseconds(call: Callable[[], Any]) -> float:
    call()
    start = time.perf_counter()
    for _ in range(REPEATS):
        call()
    return (time.perf_counter() - start) / REPEATS * 1e6
