"""Windows and keyed state with a model, against the same functions of Flink without one."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from bench import jobs
from bench.measure import Case
from bench.mlp import INPUTS

KEYS, SIZE = 16, 64
ROUND = KEYS * SIZE
"""Rows that fill a window of each key: whole rounds leave no window open."""

WINDOW, PLAIN_WINDOW = f"a window of {SIZE}, with the model", f"a window of {SIZE}, without"
KEYED, PLAIN_KEYED = "keyed state, with the model", "keyed state, without"
PAIRS = [(WINDOW, PLAIN_WINDOW), (KEYED, PLAIN_KEYED), (WINDOW, KEYED)]


def cases(model: Path) -> list[Case]:
    """Rows a second; a window calls the model once, keyed state once for each record."""
    return [
        Case(WINDOW, windowed(lambda: with_model(model)), 40 * ROUND, 4 * ROUND),
        Case(PLAIN_WINDOW, windowed(without), 40 * ROUND, 4 * ROUND),
        Case(KEYED, counted(lambda: counting_with_model(model)), 20 * ROUND, 2 * ROUND),
        Case(PLAIN_KEYED, counted(counting), 20 * ROUND, 2 * ROUND),
    ]


def keyed(t_env: Any, rows: int) -> Any:
    """Random vectors of so many keys in turn, made inside the JVM."""
    t_env.execute_sql("DROP TEMPORARY TABLE IF EXISTS numbered")
    t_env.execute_sql(
        "CREATE TEMPORARY TABLE numbered (n BIGINT, x ARRAY<FLOAT>) WITH ('connector' = 'datagen', "
        f"'rows-per-second' = '100000000', 'fields.n.kind' = 'sequence', 'fields.n.start' = '0', "
        f"'fields.n.end' = '{rows - 1}', 'fields.x.length' = '{INPUTS}')"
    )
    return t_env.to_data_stream(t_env.from_path("numbered")).key_by(lambda row: row["n"] % KEYS)


def windowed(function: Callable[[], Any]) -> Callable[[int], None]:
    """One float for each row, made where its window is complete."""

    def run(rows: int) -> None:
        from pyflink.common import Types

        t_env = jobs.environment()
        window = keyed(t_env, rows).count_window(SIZE).apply(function(), Types.FLOAT())
        jobs.drain(t_env, t_env.from_data_stream(window), "y FLOAT")

    return run


def counted(function: Callable[[], Any]) -> Callable[[int], None]:
    """One float for each row, and its key's count in state."""

    def run(rows: int) -> None:
        from pyflink.common import Types

        t_env = jobs.environment()
        processed = keyed(t_env, rows).process(function(), Types.FLOAT())
        jobs.drain(t_env, t_env.from_data_stream(processed), "y FLOAT")

    return run


def with_model(model: Path) -> Any:
    """A window whose records are scored in one call."""
    import modelstream as ms

    class Scored(ms.ModelWindowFunction):
        def apply(self, key: int, window: Any, inputs: Iterable[Any]) -> Iterable[float]:
            return [float(each["y"]) for each in self.model.score_all(list(inputs))]

    return Scored(ms.SavedModel(model))


def without() -> Any:
    """A window that gives zeros."""
    from pyflink.datastream import WindowFunction

    class Zeros(WindowFunction):
        def apply(self, key: int, window: Any, inputs: Iterable[Any]) -> Iterable[float]:
            return [0.0 for _ in inputs]

    return Zeros()


def counting_with_model(model: Path) -> Any:
    """A count in state, and a call of the model for each record."""
    import modelstream as ms

    class Scored(ms.ModelKeyedProcessFunction):
        def open(self, runtime_context: Any) -> None:
            super().open(runtime_context)
            self.count = _counter(runtime_context)

        def process_element(self, value: Any, ctx: Any) -> Iterable[float]:
            self.count.update((self.count.value() or 0) + 1)
            yield float(self.model.score(value)["y"])

    return Scored(ms.SavedModel(model))


def counting() -> Any:
    """A count in state, and a zero for each record."""
    from pyflink.datastream import KeyedProcessFunction

    class Zero(KeyedProcessFunction):
        def open(self, runtime_context: Any) -> None:
            self.count = _counter(runtime_context)

        def process_element(self, value: Any, ctx: Any) -> Iterable[float]:
            self.count.update((self.count.value() or 0) + 1)
            yield 0.0

    return Zero()


def _counter(runtime_context: Any) -> Any:
    from pyflink.common import Types
    from pyflink.datastream.state import ValueStateDescriptor

    return runtime_context.get_state(ValueStateDescriptor("count", Types.LONG()))
