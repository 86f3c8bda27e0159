"""`infer` over a Flink table: one function call, whose row parts into results and dead letters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from modelstream.convert import ColumnType
from modelstream.convert.flinktypes import quoted
from modelstream.failure import DeadLetter, Fail
from modelstream.flink import columns, jvm
from modelstream.flink.chains import break_chains
from modelstream.flink.environment import SHARED_PLAN, agreed, configure, refuse_thread_mode
from modelstream.flink.route import Choice, Inferred, Route
from modelstream.scoring.letter import DEAD_LETTER_COLUMNS
from modelstream.scoring.plan import Plan
from modelstream.scoring.records import RecordDecoder

if TYPE_CHECKING:
    from pyflink.table import Expression, Table

    from modelstream.flink.udf import Arguments


_CHOICE = Choice(Route.ARROW, "a table always takes Arrow")


@dataclass(frozen=True)
class Raw:
    """Where a table has records that its source has not decoded.

    Attributes:
        payload: the column of raw records, as BYTES.
        hidden: columns that say where a record comes from; no part of it.
        source: over the hidden columns and the payload, for the column ``source`` of a dead letter:
            SQL, or what makes an expression.
    """

    payload: str
    hidden: tuple[str, ...] = ()
    source: "str | Callable[[], Expression] | None" = None


def over_table(
    table: "Table",
    plan: Plan,
    raw: Raw | None = None,
    *,
    hidden: Sequence[str] = (),
    pin: "Callable[[Table], Table]" = lambda called: called,
) -> Inferred:
    """The plan over the rows of a table.

    Args:
        table: what it reads.
        plan: with a decoder where the table has raw records.
        raw: where they are.
        hidden: columns that come through after the others, and are not part of a record.
        pin: makes of the table with the model's result one that is computed once, however many
            tables are made of it.

    Raises:
        SignatureMismatchError: the columns do not fit the signature; names both sides.
        OptionError: the environment runs Python in threads, or has another batch setting.
    """
    source = _Source(table, jvm.types_of(table), plan.decoder, raw, tuple(hidden))
    refuse_thread_mode(table._t_env)
    agreed(table._t_env, plan.batch)
    plan = plan.over(source.readable, source.types)
    plan.bound.check(source.readable)
    plan = replace(plan, batch=configure(table._t_env, plan.batch))
    if isinstance(plan.on_error, DeadLetter):
        table._t_env.get_config().set(SHARED_PLAN, "true")
    break_chains(table)
    names = (raw.payload,) if raw else tuple(plan.bound.inputs)
    from modelstream.flink.udf import Arguments

    arguments = Arguments(names, plan.key is not None, raw is None and jvm.is_query(table))
    return _Call(source, plan, arguments, pin).tables()


@dataclass(frozen=True)
class _Source:
    """A table, and the columns that a decoder makes of it."""

    table: "Table"
    types: dict[str, str]
    decoder: RecordDecoder | None
    raw: Raw | None
    hidden: tuple[str, ...] = ()

    @property
    def own(self) -> dict[str, str]:
        """The columns of the record itself."""
        hidden = {*self.hidden, *(self.raw.hidden if self.raw else ())}
        return {name: kind for name, kind in self.types.items() if name not in hidden}

    @property
    def decoded(self) -> dict[str, str]:
        return {} if self.decoder is None else {c.name: c.type for c in self.decoder.columns}

    @property
    def readable(self) -> dict[str, str]:
        """What the model can read, and what can be kept."""
        if self.raw is None:
            return self.own
        passed = {name: kind for name, kind in self.own.items() if name != self.raw.payload}
        return {**self.decoded, **passed}


@dataclass(frozen=True)
class _Call:
    """The table with the function's row in a column, and what is made of it."""

    source: _Source
    plan: Plan
    arguments: "Arguments"
    pin: "Callable[[Table], Table]"

    def tables(self) -> Inferred:
        """Scored records and dead letters."""
        called = self.pin(self._called())
        if isinstance(self.plan.on_error, Fail):
            return Inferred(called.select(*self._scored_columns()), None, _CHOICE)
        from pyflink.table.expressions import col

        error = col(self._result).get(self._error)
        scored = called.where(error.is_null).select(*self._scored_columns())
        if not isinstance(self.plan.on_error, DeadLetter):
            return Inferred(scored, None, _CHOICE)
        failed = called.where(error.is_not_null)
        if self._payload_back is not None and self.source.raw is not None:
            payload = col(self._result).get(self._payload_back).alias(self.source.raw.payload)
            failed = failed.add_or_replace_columns(payload)
        letters = failed.select(*self._letter_columns())
        return Inferred(scored, letters, _CHOICE)

    @property
    def _result(self) -> str:
        """The name of the column with the function's row: one that the table does not have."""
        return unused("modelstream_result", self.source.types)

    @property
    def _error(self) -> str:
        """The name of the row's field that says why a record failed."""
        outputs = [column.name for column in self.plan.bound.output_columns]
        return unused("error", [*outputs, *self.plan.decoded])

    @property
    def _payload_back(self) -> str | None:
        """The row's field with the raw bytes of a record that failed, and of no other.

        So no payload waits in the JVM for its record to come back from Python.
        """
        if self.source.raw is None or not isinstance(self.plan.on_error, DeadLetter):
            return None
        if self.source.types[self.source.raw.payload] != "BYTES":
            return None
        outputs = [column.name for column in self.plan.bound.output_columns]
        return unused("payload", [*outputs, *self.plan.decoded, self._error])

    def _called(self) -> "Table":
        from pyflink.table.expressions import col
        from pyflink.table.udf import udf

        from modelstream.flink.udf import ModelFunction

        call = udf(
            ModelFunction(self.plan, self.arguments, self._error, payload=self._payload_back),
            result_type=row_type(self._result_columns()),
            func_type="pandas",
            name=f"{self.plan.model.name}.{self.plan.bound.signature.name}",
        )
        given = columns.expressions(self.arguments, self.source.types, self.plan.key)
        raw, back = self.source.raw, self._payload_back
        comes_back = raw.payload if raw is not None and back is not None else None
        passed = [col(name) for name in self.source.types if name != comes_back]
        return self.source.table.select(*passed, call(*given).alias(self._result))

    def _result_columns(self) -> list[ColumnType]:
        from modelstream.flink.udf import RECORD

        decoded = self.source.decoded
        kept = [ColumnType(name, decoded[name]) for name in self.plan.decoded]
        failing = isinstance(self.plan.on_error, Fail)
        errors = [] if failing else [ColumnType(self._error, "STRING")]
        back = self._payload_back
        payloads = [] if back is None else [ColumnType(back, "BYTES")]
        if self.plan.encoder is not None:
            return [ColumnType(RECORD, "BYTES"), *errors, *payloads]
        return [*kept, *self.plan.bound.output_columns, *errors, *payloads]

    def _scored_columns(self) -> "list[Expression]":
        from pyflink.table.expressions import col

        from modelstream.flink.udf import RECORD

        row = col(self._result)
        if self.plan.encoder is not None:
            return [row.get(RECORD).alias(RECORD)]
        decoded = set(self.plan.decoded)
        kept = [row.get(n).alias(n) if n in decoded else col(n) for n in self.plan.kept]
        outputs = [column.name for column in self.plan.bound.output_columns]
        hidden = map(col, self.source.hidden)
        return [*kept, *(row.get(name).alias(name) for name in outputs), *hidden]

    def _letter_columns(self) -> "list[Expression]":
        """The columns of a dead letter: of the record, the others of its failure."""
        from pyflink.table.expressions import call_sql

        raw, payload = self.source.raw, self._payload()
        known = {
            "key": self._key(),
            "payload": payload,
            "text": f"CASE WHEN {_is_text(payload)} THEN DECODE({payload}, 'UTF-8') END",
        }
        source = "NULL" if raw is None or raw.source is None else raw.source
        if isinstance(source, str):
            known["source"] = source
        return [
            source().alias(c.name)
            if c.name == "source" and not isinstance(source, str)
            else call_sql(f"CAST({known.get(c.name) or self._told(c)} AS {c.type})").alias(c.name)
            for c in DEAD_LETTER_COLUMNS
        ]

    def _told(self, column: ColumnType) -> str:
        """A column that the failure tells, which comes as a JSON object."""
        error = f"{quoted(self._result)}.{quoted(self._error)}"
        value = f"JSON_VALUE({error}, '$.{column.name}')"
        if column.type.startswith("TIMESTAMP_LTZ"):
            return f"TO_TIMESTAMP_LTZ(CAST({value} AS BIGINT), 3)"
        return value

    def _key(self) -> str:
        key = self.plan.key
        return "NULL" if key is None else columns.as_bytes(key, self.source.types[key])

    def _payload(self) -> str:
        if self.source.raw is not None:
            name = self.source.raw.payload
            return columns.as_bytes(name, self.source.types[name])
        fields = ", ".join(
            f"KEY {columns.literal(name)} VALUE {columns.as_json(name, kind)}"
            for name, kind in self.source.own.items()
        )
        return f"ENCODE(JSON_OBJECT({fields}), 'UTF-8')"


def _is_text(payload: str) -> str:
    """Whether bytes are UTF-8: what is not comes back from text as other bytes."""
    return f"ENCODE(DECODE({payload}, 'UTF-8'), 'UTF-8') = {payload}"


def unused(wish: str, taken: "Sequence[str] | dict[str, str]") -> str:
    """``wish``, with underscores added until nothing else has that name."""
    while wish in taken:
        wish += "_"
    return wish


def row_type(result: Sequence[ColumnType]) -> str:
    """The SQL type of a row with these fields."""
    return "ROW<" + ", ".join(f"{quoted(c.name)} {c.type}" for c in result) + ">"
