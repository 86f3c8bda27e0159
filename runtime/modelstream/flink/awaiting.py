"""Asynchronous functions over DataStreams, within PyFlink's limits."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pyflink.common import Row, Time, Types
from pyflink.datastream import AsyncDataStream, AsyncFunction, OutputTag
from pyflink.datastream.data_stream import KeyedStream
from pyflink.datastream.functions import ProcessFunction

from modelstream.failure import DeadLetter, Fail, OnError
from modelstream.flink import letters
from modelstream.flink.chains import leave_chain
from modelstream.flink.classes import ModelAwareFunction
from modelstream.flink.closures import Models, models_of
from modelstream.flink.environment import configure, refuse_thread_mode
from modelstream.flink.failing import Failing, name_of
from modelstream.models import Model
from modelstream.scoring.batch import Batch
from modelstream.scoring.counted import counting
from modelstream.scoring.metrics import DeferredMetrics
from modelstream.scoring.together import AsyncModelHandle

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


def async_with_model(
    stream: "DataStream",
    model: Models,
    fn: Callable[..., Awaitable[Any]],
    *,
    output_type: "TypeInformation | None" = None,
    on_error: OnError = Fail(),  # noqa: B008  # frozen
    batch: Batch | None = None,
) -> "DataStream":
    """Each record through ``async def fn(record, model)``, which returns one; order stays.

    Args:
        stream: keyed or not.
        model: one, or several; ``fn`` takes as many open models after the record.
        fn: awaits ``model.score(record, method)``; records that await it meanwhile share a call.
        output_type: of what ``fn`` returns; Python objects (pickled) if None.
        on_error: what becomes of a record on which ``fn`` raises. With DeadLetter,
            `dead_letters` gives them as a stream.
        batch: how many records a call takes, and how long a record may wait; one setting for
            all models of the job, as in `infer`.

    Raises:
        OptionError: something else than models is given, Flink would run the function in a thread
            of the JVM, or the job has another batch setting already.
    """
    models = models_of(model, "async_with_model")
    refuse_thread_mode(stream)
    batch = configure(stream.get_execution_environment(), batch)
    values = stream._values() if isinstance(stream, KeyedStream) else stream
    function = _AsyncClosure(models, fn, on_error, batch)
    return awaited(values, function, output_type or Types.PICKLED_BYTE_ARRAY(), on_error, batch)


class _AsyncClosure(ModelAsyncFunction):
    """A coroutine function as a function of Flink: what it raises costs one record."""

    def __init__(
        self,
        models: Sequence[Model],
        fn: Callable[..., Awaitable[Any]],
        on_error: OnError,
        batch: Batch,
    ) -> None:
        super().__init__(*models, batch=batch)
        self._fn, self._failing = fn, Failing(name_of(fn), on_error)
        self._lettered = isinstance(on_error, DeadLetter)

    async def async_invoke(self, value: Any) -> list[Any]:
        """One record."""
        try:
            with counting() as counted:
                result = await self._fn(value, *self.models.values())
        except Exception as error:
            found = self._failing.letters(error, value, self.models, counted)
            return [Row(None, letter) for letter in found]
        return [Row(result, None) if self._lettered else result]
