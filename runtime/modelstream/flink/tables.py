"""`infer`: a model over a Flink table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelstream.convert import ColumnType
from modelstream.failure import DeadLetter, Fail, OnError
from modelstream.flink import columns, environment, jvm
from modelstream.flink.chains import break_chains
from modelstream.flink.columns import quoted
from modelstream.flink.environment import configure
from modelstream.models import BoundMethod, Model
from modelstream.scoring.batch import Batch
from modelstream.scoring.plan import kept_columns
from modelstream.scoring.records import RecordDecoder

if TYPE_CHECKING:
    from pyflink.table import Expression, Table, TableEnvironment

    from modelstream.flink.udf import Setup


@dataclass(frozen=True)
class Inferred:
    """What comes out of `infer`.

    Attributes:
        scored: the kept columns, then the model's.
        dead_letters: the columns of `modelstream.scoring.letter.DEAD_LETTER_COLUMNS`; None unless
            ``on_error`` is DeadLetter. Insert both in one StatementSet: the model runs once.
    """

    scored: "Table"
    dead_letters: "Table | None" = None


def plan(
    table: "Table",
    bound: BoundMethod,
    model: Model,
    *,
    keep: Sequence[str] | None,
    batch: Batch | None,
    on_error: OnError,
    decoder: RecordDecoder | None = None,
    payload: str | None = None,
    key: str | None = None,
    warm_up: bool = True,
    hidden: Sequence[str] = (),
    pin: "Callable[[Table], Table]" = lambda called: called,
) -> "Plan":
    """What `infer` does with a table, before it becomes tables: arguments as there.

    Columns that are ``hidden`` come through after the others, and are no part of a record.
    ``pin`` makes of the table with the model's result one that is computed once, however many
    tables are made of it.
    """
    source = _Source(table, jvm.types_of(table), decoder, payload, tuple(hidden))
    kept = kept_columns(source.readable, keep, bound)
    bound.check(source.readable)
    batch = _prepare(table._t_env, batch, on_error)
    break_chains(table)
    from modelstream.flink.udf import Setup

    names = (str(payload),) if decoder else tuple(bound.inputs)
    arguments = columns.arguments(source.types, names, allow_nan=bound.allow_nan, key=key)
    setup = Setup(
        model=model,
        bound=bound,
        arguments=arguments,
        batch=batch,
        on_error=on_error,
        decoder=decoder,
        kept=tuple(name for name in kept if name in source.decoded),
        warm_up=warm_up,
    )
    return Plan(source, setup, kept, key, pin)


@dataclass(frozen=True)
class _Source:
    """A table, and the columns that a decoder makes of it."""

    table: "Table"
    types: dict[str, str]
    decoder: RecordDecoder | None
    payload: str | None
    hidden: tuple[str, ...] = ()

    @property
    def own(self) -> dict[str, str]:
        """The columns of the record itself."""
        return {name: kind for name, kind in self.types.items() if name not in self.hidden}

    @property
    def decoded(self) -> dict[str, str]:
        return {} if self.decoder is None else {c.name: c.type for c in self.decoder.columns}

    @property
    def readable(self) -> dict[str, str]:
        """What the model can read, and what can be kept."""
        if self.decoder is None:
            return self.own
        passed = {name: kind for name, kind in self.own.items() if name != self.payload}
        return {**self.decoded, **passed}


@dataclass(frozen=True)
class Plan:
    """A model over a table, with all that is to come out."""

    source: _Source
    setup: "Setup"
    kept: tuple[str, ...]
    key: str | None
    pin: "Callable[[Table], Table]"

    def tables(self) -> Inferred:
        """Scored records and dead letters."""
        from modelstream.flink.udf import ERROR

        called = self.pin(self._called())
        result = self._result
        if isinstance(self.setup.on_error, Fail):
            return Inferred(called.select(*self._scored_columns()))
        from pyflink.table.expressions import col

        error = col(result).get(ERROR)
        scored = called.where(error.is_null).select(*self._scored_columns())
        if not isinstance(self.setup.on_error, DeadLetter):
            return Inferred(scored)
        return Inferred(scored, called.where(error.is_not_null).select(*self._letter_columns()))

    @property
    def _result(self) -> str:
        """The name of the column with the function's row: one that the table does not have."""
        name = "modelstream_result"
        while name in self.source.types:
            name += "_"
        return name

    def _called(self) -> "Table":
        from pyflink.table.expressions import col
        from pyflink.table.udf import udf

        from modelstream.flink.udf import ModelFunction

        call = udf(
            ModelFunction(self.setup),
            result_type=row_type(self._result_columns()),
            func_type="pandas",
            name=f"{self.setup.model.name}.{self.setup.bound.signature.name}",
        )
        given = columns.expressions(self.setup.arguments, self.source.types, self.key)
        passed = [col(name) for name in self.source.types]
        return self.source.table.select(*passed, call(*given).alias(self._result))

    def _result_columns(self) -> list[ColumnType]:
        from modelstream.flink.udf import ERROR

        decoded = self.source.decoded
        kept = [ColumnType(name, decoded[name]) for name in self.setup.kept]
        failing = isinstance(self.setup.on_error, Fail)
        errors = [] if failing else [ColumnType(ERROR, "STRING")]
        return [*kept, *self.setup.bound.output_columns, *errors]

    def _scored_columns(self) -> "list[Expression]":
        from pyflink.table.expressions import col

        row = col(self._result)
        decoded = set(self.setup.kept)
        kept = [row.get(n).alias(n) if n in decoded else col(n) for n in self.kept]
        outputs = [column.name for column in self.setup.bound.output_columns]
        hidden = map(col, self.source.hidden)
        return [*kept, *(row.get(name).alias(name) for name in outputs), *hidden]

    def _letter_columns(self) -> "list[Expression]":
        from pyflink.table import DataTypes
        from pyflink.table.expressions import call_sql, lit

        from modelstream.flink.udf import ERROR

        error = f"{quoted(self._result)}.{quoted(ERROR)}"

        def field(name: str) -> "Expression":
            return call_sql(f"JSON_VALUE({error}, '$.{name}')").alias(name)

        moment = f"TO_TIMESTAMP_LTZ(CAST(JSON_VALUE({error}, '$.time') AS BIGINT), 3)"
        return [
            self._letter_key().alias("key"),
            self._letter_payload().alias("payload"),
            field("stage"),
            field("error_type"),
            field("message"),
            lit(self.setup.model.name).cast(DataTypes.STRING()).alias("model"),
            call_sql(moment).alias("time"),
        ]

    def _letter_key(self) -> "Expression":
        from pyflink.table import DataTypes
        from pyflink.table.expressions import null_of

        if self.key is None:
            return null_of(DataTypes.BYTES())
        return columns.as_bytes(self.key, self.source.types[self.key])

    def _letter_payload(self) -> "Expression":
        from pyflink.table.expressions import call_sql

        if self.source.payload is not None:
            return columns.as_bytes(self.source.payload, self.source.types[self.source.payload])
        fields = ", ".join(
            f"KEY {columns.literal(name)} VALUE {columns.as_json(name, kind)}"
            for name, kind in self.source.own.items()
        )
        return call_sql(f"ENCODE(JSON_OBJECT({fields}), 'UTF-8')")


def row_type(result: Sequence[ColumnType]) -> str:
    """The SQL type of a row with these fields."""
    return "ROW<" + ", ".join(f"{quoted(c.name)} {c.type}" for c in result) + ">"


def _prepare(t_env: "TableEnvironment", batch: Batch | None, on_error: OnError) -> Batch:
    refuse_thread_mode(t_env)
    if isinstance(on_error, DeadLetter):
        t_env.get_config().set(environment.SHARED_PLAN, "true")
    return configure(t_env, batch)


def refuse_thread_mode(t_env: "TableEnvironment") -> None:
    """Python functions of this library need a process of their own.

    Raises:
        OptionError: the environment runs them in the JVM's threads.
    """
    environment.refuse_thread_mode(t_env.get_config().get(environment.EXECUTION_MODE, "process"))
