"""Models in functions of the user that take a batch of records: ``fn(records, model)``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyflink.common import Row, Types
from pyflink.datastream.data_stream import KeyedStream

from modelstream.errors import BrokenModelError, ModelStreamError
from modelstream.failure import DeadLetter, Fail, OnError
from modelstream.flink.awaiting import ModelAsyncFunction, awaited
from modelstream.flink.closures import Models, models_of
from modelstream.flink.environment import configure, refuse_thread_mode
from modelstream.flink.failing import Failing, name_of
from modelstream.models import Model
from modelstream.scoring.batch import Batch
from modelstream.scoring.counted import Counted, counting
from modelstream.scoring.together import MicroBatcher, gathered

if TYPE_CHECKING:
    from pyflink.common import TypeInformation
    from pyflink.datastream import DataStream


def map_batches_with_model(
    stream: "DataStream",
    model: Models,
    fn: Callable[..., Sequence[Any]],
    *,
    output_type: "TypeInformation | None" = None,
    on_error: OnError = Fail(),  # noqa: B008  # frozen
    batch: Batch | None = None,
) -> "DataStream":
    """A batch of records through ``fn(records, model)``, which returns one result per record.

    Where ``fn`` raises, it is called again for each record of the batch alone, so that one bad
    record costs itself only. The order of the records stays.

    Examples:
        >>> def labelled(records, model):
        ...     scores = model.predict(x=[record.x for record in records])["score"]
        ...     return [(record.id, float(score)) for record, score in zip(records, scores)]
        >>> ms.map_batches_with_model(stream, ms.SavedModel("/models/clicks"), labelled)

    Args:
        stream: keyed or not.
        model: one, or several; ``fn`` takes as many open models after the records.
        fn: may use whatever `ModelHandle` offers: ``predict``, ``call``, ``score_all``.
        output_type: the type of a result; Python objects (pickled) if None.
        on_error: what becomes of a record on which ``fn`` raises. With DeadLetter,
            `dead_letters` gives them as a stream.
        batch: how many records a batch has, and how long a record may wait; one setting for all
            models of the job, as in `infer`.

    Raises:
        OptionError: something else than models is given, Flink would run the function in a thread
            of the JVM, or the job has another batch setting already.
    """
    models = models_of(model, "map_batches_with_model")
    refuse_thread_mode(stream)
    size = configure(stream.get_execution_environment(), batch)
    values = stream._values() if isinstance(stream, KeyedStream) else stream
    function = _BatchClosure(models, fn, on_error, size)
    kind = output_type or Types.PICKLED_BYTE_ARRAY()
    return awaited(values, function, kind, on_error, size).name("Map Batches With Model")


@dataclass(frozen=True)
class _Raised:
    """What the function raised for one record, and the models that had counted it."""

    error: Exception
    counted: Counted


class _BatchClosure(ModelAsyncFunction):
    """Records gathered into batches for a function of the user, in a thread beside the stream."""

    def __init__(
        self,
        models: Sequence[Model],
        fn: Callable[..., Sequence[Any]],
        on_error: OnError,
        batch: Batch,
    ) -> None:
        super().__init__(*models, batch=batch)
        self._fn, self._failing = fn, Failing(name_of(fn), on_error)
        self._lettered = isinstance(on_error, DeadLetter)

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
            found = self._failing.letters(result.error, value, self._handles, result.counted)
            return [Row(None, letter) for letter in found]
        return [Row(result, None) if self._lettered else result]

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
