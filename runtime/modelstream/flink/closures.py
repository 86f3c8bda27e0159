"""Models in plain Python functions: ``fn(record, model)`` over a DataStream."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

from pyflink.datastream.data_stream import DataStream, KeyedStream

from modelstream.annotations import checked
from modelstream.arguments import check_model
from modelstream.errors import OptionError
from modelstream.failure import DeadLetter, Fail, OnError
from modelstream.flink import letters
from modelstream.flink.chains import leave_chain
from modelstream.flink.classes import (
    ModelAwareFunction,
    ModelKeyedProcessFunction,
    ModelProcessFunction,
)
from modelstream.flink.environment import agreed, refuse_thread_mode
from modelstream.flink.failing import Failing, name_of
from modelstream.messages import excerpt
from modelstream.models import Model
from modelstream.scoring.batch import Batch
from modelstream.scoring.metrics import counting

if TYPE_CHECKING:
    from pyflink.common import TypeInformation

Models: TypeAlias = Model | Sequence[Model]
_Emit: TypeAlias = Callable[[Callable[..., Any], Any, Any, Sequence[Any]], Iterable[Any]]


def models_of(stream: DataStream, given: Models, taker: str) -> tuple[Model, ...]:
    """One model or several, as several.

    Raises:
        OptionError: the list is empty, one of them is not a model, or the stream is not a
            DataStream.
    """
    models = tuple(given) if isinstance(given, Sequence) else (given,)
    if not models:
        raise OptionError(f"{taker} takes one model or more, and the list is empty")
    for each in (given,) if isinstance(given, str) else models:  # a path is a sequence too
        check_model(each, taker, "give one model, or a list of them, [a, b]")
    if not isinstance(stream, DataStream):
        raise OptionError(
            f"{taker} takes a DataStream, not {excerpt(stream)} ({type(stream).__name__}); of a "
            f"table t_env.to_data_stream(table) makes one"
        )
    return models


@checked("stream", "on_error")
def map_with_model(
    stream: DataStream,
    model: Models,
    fn: Callable[..., Any],
    *,
    output_type: "TypeInformation | None" = None,
    on_error: OnError = Fail(),  # noqa: B008  # frozen
    warm_up: bool = True,
) -> DataStream:
    """Each record through ``fn(record, model)``, which returns one.

    ``score_all`` calls the model in batches as `configure` has set them for the job.

    Examples:
        >>> def language(text, model):
        ...     return model.score(text)["label"]
        >>> labels = ms.map_with_model(texts, ms.SavedModel("/models/guesslang"), language)

    Args:
        stream: keyed or not.
        model: one, or several; ``fn`` takes as many open models after the record.
        fn: may use whatever `ModelHandle` offers: ``predict``, ``score``, ``score_all``.
        output_type: the type of what ``fn`` returns; Python objects (pickled) if None.
        on_error: what becomes of a record on which ``fn`` raises. With DeadLetter,
            `dead_letters` gives them as a stream.
        warm_up: call the default signature of each model with zeros before the first record.

    Raises:
        OptionError: something else than models is given, or Flink would run the function in a
            thread of the JVM.
    """
    models = models_of(stream, model, "map_with_model")
    closed = _Closed(models, fn, _one, on_error, warm_up)
    return closed.over(stream, output_type).name("Map With Model")


@checked("stream", "on_error")
def flat_map_with_model(
    stream: DataStream,
    model: Models,
    fn: Callable[..., Iterable[Any]],
    *,
    output_type: "TypeInformation | None" = None,
    on_error: OnError = Fail(),  # noqa: B008  # frozen
    warm_up: bool = True,
) -> DataStream:
    """Each record through ``fn(record, model)``, which returns or yields any number of them.

    Arguments and errors are those of `map_with_model`.
    """
    models = models_of(stream, model, "flat_map_with_model")
    closed = _Closed(models, fn, _many, on_error, warm_up)
    return closed.over(stream, output_type).name("Flat Map With Model")


@checked("stream", "on_error")
def filter_with_model(
    stream: DataStream,
    model: Models,
    fn: Callable[..., bool],
    *,
    on_error: OnError = Fail(),  # noqa: B008  # frozen
    warm_up: bool = True,
) -> DataStream:
    """The records for which ``fn(record, model)`` is true.

    Arguments and errors are those of `map_with_model`; the type of the records stays.
    """
    models = models_of(stream, model, "filter_with_model")
    kind = stream._original_data_type_info if isinstance(stream, KeyedStream) else stream.get_type()
    closed = _Closed(models, fn, _matching, on_error, warm_up)
    return closed.over(stream, kind).name("Filter With Model")


@checked("stream", "on_error")
def process_with_model(
    stream: DataStream,
    model: Models,
    fn: Callable[..., Iterable[Any]],
    *,
    output_type: "TypeInformation | None" = None,
    on_error: OnError = Fail(),  # noqa: B008  # frozen
    warm_up: bool = True,
) -> DataStream:
    """Each record through ``fn(record, ctx, model)``; ``ctx`` as in Flink's process functions.

    ``fn`` yields records, and ``(tag, record)`` for side outputs. For state and timers derive a
    class from `ModelKeyedProcessFunction`. Arguments and errors are those of `map_with_model`.
    """
    models = models_of(stream, model, "process_with_model")
    closed = _Closed(models, fn, _processed, on_error, warm_up)
    return closed.over(stream, output_type).name("Process With Model")


def _one(fn: Callable[..., Any], record: Any, ctx: Any, models: Sequence[Any]) -> Iterable[Any]:
    return (fn(record, *models),)


def _many(fn: Callable[..., Any], record: Any, ctx: Any, models: Sequence[Any]) -> Iterable[Any]:
    return _results(fn(record, *models))


def _matching(
    fn: Callable[..., Any], record: Any, ctx: Any, models: Sequence[Any]
) -> Iterable[Any]:
    return (record,) if fn(record, *models) else ()


def _processed(
    fn: Callable[..., Any], record: Any, ctx: Any, models: Sequence[Any]
) -> Iterable[Any]:
    return _results(fn(record, ctx, *models))


def _results(given: Iterable[Any] | None) -> Iterable[Any]:
    return () if given is None else given  # an array has no truth value


@dataclass(frozen=True)
class _Closed:
    """A Python function with its models, and what is done with what it returns or raises."""

    models: tuple[Model, ...]
    fn: Callable[..., Any]
    emit: _Emit
    on_error: OnError
    warm_up: bool = True

    def over(self, stream: DataStream, output_type: "TypeInformation | None") -> DataStream:
        """Its results."""
        refuse_thread_mode(stream)
        function = _KeyedModelClosure if isinstance(stream, KeyedStream) else _ModelClosure
        batch = agreed(stream.get_execution_environment())
        applied = stream.process(function(self, batch), output_type)
        leave_chain(stream, applied)
        return letters.attach(applied) if isinstance(self.on_error, DeadLetter) else applied


class _Closure(ModelAwareFunction):
    """A Python function as a process function: what it raises costs one record."""

    def __init__(self, closed: _Closed, batch: Batch) -> None:
        super().__init__(*closed.models, batch=batch, warm_up=closed.warm_up)
        self._fn, self._emit = closed.fn, closed.emit
        self._failing = Failing(name_of(closed.fn), closed.on_error)

    def open(self, runtime_context: Any) -> None:
        super().open(runtime_context)
        self._open_models = tuple(self.models.values())
        self._tag = letters.tag()

    def process_element(self, value: Any, ctx: Any) -> Iterable[Any]:
        # All results of a record before the first leaves: it is scored or a dead letter, not both.
        try:
            with counting() as counted:
                return list(self._emit(self._fn, value, ctx, self._open_models))
        except Exception as error:
            found = self._failing.letters(error, value, self.models, counted)
            return [(self._tag, letter) for letter in found]


class _ModelClosure(_Closure, ModelProcessFunction):
    pass


class _KeyedModelClosure(_Closure, ModelKeyedProcessFunction):
    pass
