"""The functions that run a model over a DataStream, without Arrow."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from pyflink.common import Row, Types
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import AsyncFunction
from pyflink.datastream.functions import Function, ProcessFunction

from modelstream import embedded
from modelstream.convert.fields import named
from modelstream.failure import DeadLetter, Failure
from modelstream.flink import letters
from modelstream.flink.environment import refuse_thread_context
from modelstream.flink.types import RECORD, StreamColumns, row_type
from modelstream.scoring.metrics import DeferredMetrics, ModelMetrics
from modelstream.scoring.plan import Plan
from modelstream.scoring.session import Scored, Session
from modelstream.scoring.settle import Refused, settle
from modelstream.scoring.together import MicroBatcher, gathered


@dataclass(frozen=True)
class RowMaker:
    """Makes the rows.

    Attributes:
        kept: fields of the record that go on.
        outputs: the model's columns.
        kind: what Flink needs to know of the rows.
        whole: the record is an object that goes on as one field.
    """

    kept: tuple[str, ...]
    outputs: tuple[str, ...]
    kind: TypeInformation
    whole: bool = False

    @classmethod
    def of(cls, plan: Plan, source: StreamColumns) -> "RowMaker":
        """The rows of a plan over a stream."""
        outputs = row_type(plan.bound.output_columns)
        names = tuple(outputs.get_field_names())
        kept = [source.information[name] for name in plan.kept]
        kind = Types.ROW_NAMED([*plan.kept, *names], [*kept, *outputs.get_field_types()])
        return cls(plan.kept, names, kind, source.objects)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "kind": None}  # types know Java, of which a worker has none

    def row(self, record: Any, scored: Scored) -> Row:
        """The row of one record; of an update where the record is."""
        found = {RECORD: record} if self.whole else named(record)
        kept = [found[name] for name in self.kept]
        made = Row(*kept, *(_carried(scored[name]) for name in self.outputs))
        if isinstance(record, Row):
            made.set_row_kind(record.get_row_kind())
        return made


def _carried(value: Any) -> Any:
    """Bytes as PyFlink wants them."""
    return bytearray(value) if isinstance(value, bytes) else value


class _Scores(Function):  # type: ignore[misc]  # pyflink has no types
    """Opens the model of a plan; makes the rows that go on, and the letters."""

    _metrics_type = ModelMetrics

    def __init__(self, plan: Plan, rows: RowMaker) -> None:
        self._plan = plan
        self._rows = rows

    def open(self, runtime_context: Any) -> None:
        refuse_thread_context(runtime_context)
        plan = self._plan
        metrics = self._metrics_type(runtime_context.get_metrics_group(), plan.model.name)
        self._tag = letters.tag()
        self._session = Session.of(plan, metrics)
        self._scorer = self._session.scorer(plan.bound)

    def close(self) -> None:
        if session := self.__dict__.pop("_session", None):
            session.close()

    def _scored(self, records: Any) -> list[Scored | Failure]:
        return self._session.score_all(self._scorer, records, self._plan.on_error)

    def _emitted(self, record: Any, result: Scored | Failure) -> list[Any]:
        """What leaves the function for one record."""
        if not isinstance(result, Failure):
            return [self._good(self._rows.row(record, result))]
        plan = self._plan
        key = None if plan.key is None else named(record).get(plan.key)
        refused = Refused(record, result, key)
        found = settle([refused], plan.on_error, self._session.failed_by)
        return [self._dead(letters.as_row(each)) for each in found]

    def _good(self, row: Row) -> Any:
        return row

    def _dead(self, letter: Row) -> Any:
        return self._tag, letter


class ScoreRecord(_Scores, ProcessFunction):  # type: ignore[misc]  # pyflink has no types
    """One record, one call; a dead letter leaves by the side."""

    def process_element(self, value: Any, ctx: Any) -> Iterable[Any]:
        """Score one record."""
        with embedded.noted():
            (result,) = self._scored([value])
            return self._emitted(value, result)


class ScoreAsync(_Scores, AsyncFunction):  # type: ignore[misc]  # pyflink has no types
    """Records gathered into batches while others are on their way.

    Flink waits for all of them before a checkpoint. With DeadLetter each result is a row
    (result, letter); one of the two is null.
    """

    _metrics_type = DeferredMetrics

    def open(self, runtime_context: Any) -> None:
        """Load the model, and make the thread that it is called in."""
        super().open(runtime_context)
        self._batcher: MicroBatcher[Any, Scored | Failure] = gathered(
            self._scored, self._session.batch
        )

    def close(self) -> None:
        """End the thread, then give the model back."""
        if batcher := self.__dict__.pop("_batcher", None):
            batcher.close()
        super().close()

    async def async_invoke(self, value: Any) -> list[Any]:
        """Score one record, among others."""
        with embedded.noted():
            return self._emitted(value, await self._batcher.add(value))

    def _good(self, row: Row) -> Any:
        return Row(row, None) if isinstance(self._plan.on_error, DeadLetter) else row

    def _dead(self, letter: Row) -> Any:
        return Row(None, letter)
