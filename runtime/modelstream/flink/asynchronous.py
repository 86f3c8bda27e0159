"""Models in asynchronous functions: many records on their way, few calls of the model."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from pyflink.common import Row, Types
from pyflink.datastream import AsyncFunction
from pyflink.datastream.data_stream import KeyedStream

from modelstream.failure import DeadLetter, Fail, OnError
from modelstream.flink.awaiting import awaited
from modelstream.flink.closures import Models, models_of
from modelstream.flink.environments import refuse_thread_mode
from modelstream.flink.failing import Failing, name_of
from modelstream.flink.mixin import ModelAwareFunction
from modelstream.models import Model
from modelstream.scoring.awaited import AsyncModelHandle
from modelstream.scoring.batch import Batch, configure
from modelstream.scoring.counted import counting
from modelstream.scoring.metrics import DeferredMetrics

if TYPE_CHECKING:
    from pyflink.common import TypeInformation
    from pyflink.datastream import DataStream


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
            name: AsyncModelHandle(handle, self._batch) for name, handle in self._handles.items()
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
            letter = self._failing.outcome(error, value, self.models, counted)
            return [] if letter is None else [Row(None, letter)]
        return [Row(result, None) if self._lettered else result]
