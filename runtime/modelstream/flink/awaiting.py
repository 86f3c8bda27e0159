"""Functions with models whose records are gathered into batches beside the stream.

They are asynchronous functions of Flink, within PyFlink's limits.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pyflink.common import Row, Time, Types
from pyflink.datastream import AsyncDataStream, AsyncFunction, OutputTag
from pyflink.datastream.data_stream import KeyedStream
from pyflink.datastream.functions import ProcessFunction

from modelstream.annotations import checked
from modelstream.errors import BrokenModelError, ModelStreamError
from modelstream.failure import DeadLetter, Fail, OnError
from modelstream.flink import letters
from modelstream.flink.chains import leave_chain
from modelstream.flink.classes import ModelAwareFunction
from modelstream.flink.closures import Models, models_of
from modelstream.flink.environment import configure, refuse_thread_mode
from modelstream.flink.failing import Failing, name_of
from modelstream.models import Model
from modelstream.scoring.batch import Batch
from modelstream.scoring.metrics import Counted, DeferredMetrics, counting
from modelstream.scoring.together import AsyncModelHandle, MicroBatcher, gathered

if TYPE_CHECKING:
    from pyflink.common import TypeInformation
    from pyflink.datastream import DataStream


_FOREVER = 0  # any other time-out costs a thread for each record
_BATCHES_IN_FLIGHT = 4


def awaited(
    stream: "DataStream",
    function: AsyncFunction,
    kind: "TypeInformation",
    on_error: OnError,
    batch: Batch,
) -> "DataStream":
    """The results of an asynchronous function, in the order of the records.

    An asynchronous function has no side outputs: with DeadLetter it returns rows (result, letter),
    of which one is null, and they part behind it.
    """
    lettered = isinstance(on_error, DeadLetter)
    both = Types.ROW_NAMED(["result", "letter"], [kind, letters.letter_type()])
    results = AsyncDataStream.ordered_wait(
        stream,
        function,
        Time.milliseconds(_FOREVER),
        batch.max_size * _BATCHES_IN_FLIGHT,
        both if lettered else kind,
    )
    leave_chain(stream, results)
    if not lettered:
        return results
    # Apart from the asynchronous function: chained to it, side outputs end in an AttributeError.
    return letters.attach(results.process(_Split(), kind).start_new_chain())


class _Split(ProcessFunction):  # type: ignore[misc]  # pyflink has no types
    """Rows (result, letter) into two streams."""

    def open(self, runtime_context: Any) -> None:
        self._tag: OutputTag = letters.tag()

    def process_element(self, value: Any, ctx: Any) -> Iterable[Any]:
        yield value[0] if value[1] is None else (self._tag, value[1])


class ModelAsyncFunction(ModelAwareFunction, AsyncFunction):  # type: ignore[misc]  # pyflink has no types
    """``async def async_invoke(value)``: awaits ``self.model.score(…)`` and returns a list.

    Records that are awaited at the same time share a call of the model: as many as ``batch`` says,
    or as have come when time is up. Apply it with Flink's ``AsyncDataStream.ordered_wait`` and the
    time-out ``Time.milliseconds(0)``: any other costs a thread for each record.
    """

    _metrics_type = DeferredMetrics
    _awaited: Mapping[str, AsyncModelHandle] = MappingProxyType({})

    def open(self, runtime_context: Any) -> None:
        """Load the models, or share the copies of this process."""
        super().open(runtime_context)
        self._awaited = {
            name: AsyncModelHandle(handle, self._batch or Batch())
            for name, handle in self._handles.items()
        }

    def close(self) -> None:
        """Give the models back, after the last call of them."""
        for handle in self.__dict__.pop("_awaited", {}).values():
            handle.close()
        super().close()

    @property
    def models(self) -> Mapping[str, AsyncModelHandle]:  # type: ignore[override]  # awaited
        """The open models, by name."""
        return self._awaited if super().models else {}


@checked("on_error")
def async_with_model(
    stream: "DataStream",
    model: Models,
    fn: Callable[..., Awaitable[Any]],
    *,
    output_type: "TypeInformation | None" = None,
    on_error: OnError = Fail(),  # noqa: B008  # frozen
    batch: Batch | None = None,
    warm_up: bool = True,
) -> "DataStream":
    """Each record through ``async def fn(record, model)``, which returns one; order stays.

    Examples:
        >>> async def language(text, model):
        ...     return (await model.score(text))["label"]
        >>> ms.async_with_model(texts, ms.SavedModel("/models/guesslang"), language)

    Args:
        stream: keyed or not.
        model: one, or several; ``fn`` takes as many open models after the record.
        fn: awaits ``model.score(record, method)``; records that await it meanwhile share a call.
        output_type: the type of what ``fn`` returns; Python objects (pickled) if None.
        on_error: what becomes of a record on which ``fn`` raises. With DeadLetter,
            `dead_letters` gives them as a stream.
        batch: how many records a call takes, and how long a record may wait; one setting for
            all models of the job, as in `infer`.
        warm_up: call the default signature of each model with zeros before the first record.

    Raises:
        OptionError: something else than models is given, Flink would run the function in a thread
            of the JVM, or the job has another batch setting already.
    """
    models = models_of(stream, model, "async_with_model")
    size = _job_wide(stream, batch)
    function = _AsyncClosure(models, fn, on_error, size, warm_up=warm_up)
    return _closed(stream, function, output_type, on_error, size).name("Async With Model")


@checked("on_error")
def map_batches_with_model(
    stream: "DataStream",
    model: Models,
    fn: Callable[..., Sequence[Any]],
    *,
    output_type: "TypeInformation | None" = None,
    on_error: OnError = Fail(),  # noqa: B008  # frozen
    batch: Batch | None = None,
    warm_up: bool = True,
) -> "DataStream":
    """A batch of records through ``fn(records, model)``, which returns one result per record.

    Where ``fn`` raises, it is called again for each record of the batch alone, so that one bad
    record costs itself only. The order of the records stays. Arguments and errors are those of
    `async_with_model`; ``fn`` may use whatever `ModelHandle` offers: ``predict``, ``call``,
    ``score_all``.

    Examples:
        >>> def labelled(records, model):
        ...     scores = model.predict(x=[record.x for record in records])["score"]
        ...     return [(record.id, float(score)) for record, score in zip(records, scores)]
        >>> ms.map_batches_with_model(stream, ms.SavedModel("/models/clicks"), labelled)
    """
    models = models_of(stream, model, "map_batches_with_model")
    size = _job_wide(stream, batch)
    function = _BatchClosure(models, fn, on_error, size, warm_up=warm_up)
    return _closed(stream, function, output_type, on_error, size).name("Map Batches With Model")


def _job_wide(stream: "DataStream", batch: Batch | None) -> Batch:
    refuse_thread_mode(stream)
    return configure(stream.get_execution_environment(), batch)


def _closed(
    stream: "DataStream",
    function: "_Awaited",
    output_type: "TypeInformation | None",
    on_error: OnError,
    batch: Batch,
) -> "DataStream":
    values = stream._values() if isinstance(stream, KeyedStream) else stream
    return awaited(values, function, output_type or Types.PICKLED_BYTE_ARRAY(), on_error, batch)


class _Awaited(ModelAsyncFunction):
    """A Python function as an asynchronous one of Flink: what it raises costs one record."""

    def __init__(
        self,
        models: Sequence[Model],
        fn: Callable[..., Any],
        on_error: OnError,
        batch: Batch,
        *,
        warm_up: bool = True,
    ) -> None:
        super().__init__(*models, batch=batch, warm_up=warm_up)
        self._fn, self._failing = fn, Failing(name_of(fn), on_error)
        self._lettered = isinstance(on_error, DeadLetter)

    def _given(self, result: Any) -> list[Any]:
        return [Row(result, None) if self._lettered else result]

    def _raised(self, error: Exception, record: Any, counted: Counted) -> list[Any]:
        found = self._failing.letters(error, record, self._handles, counted)
        return [Row(None, letter) for letter in found]


class _AsyncClosure(_Awaited):
    """A coroutine function of the user."""

    async def async_invoke(self, value: Any) -> list[Any]:
        """One record."""
        try:
            with counting() as counted:
                result = await self._fn(value, *self.models.values())
        except Exception as error:
            return self._raised(error, value, counted)
        return self._given(result)


@dataclass(frozen=True)
class _Raised:
    """What the function raised for one record, and the models that had counted it."""

    error: Exception
    counted: Counted


class _BatchClosure(_Awaited):
    """A function of the user over batches of records, in a thread beside the stream."""

    def open(self, runtime_context: Any) -> None:
        """Load the models, and make the thread that the function runs in."""
        super().open(runtime_context)
        self._batcher: MicroBatcher[Any, Any] = gathered(self._results, self._batch or Batch())

    def close(self) -> None:
        """End the thread, then give the models back."""
        if batcher := self.__dict__.pop("_batcher", None):
            batcher.close()
        super().close()

    async def async_invoke(self, value: Any) -> list[Any]:
        """One record, among others."""
        result = await self._batcher.add(value)
        if isinstance(result, _Raised):
            return self._raised(result.error, value, result.counted)
        return self._given(result)

    def _results(self, records: Sequence[Any]) -> list[Any]:
        """What the function gives for a batch; for each record alone where that raises."""
        with counting() as counted:
            try:
                return self._called(records)
            except BrokenModelError:
                raise
            except Exception as error:
                if len(records) == 1:
                    return [_Raised(error, counted)]
        return [result for record in records for result in self._results([record])]

    def _called(self, records: Sequence[Any]) -> list[Any]:
        results = list(self._fn(list(records), *self._handles.values()))
        if len(results) != len(records):
            raise ModelStreamError(
                f"{self._failing.function} returned {len(results)} results for {len(records)} "
                f"records: return one for each, in their order"
            )
        return results
