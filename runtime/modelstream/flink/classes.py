"""Flink's functions with models: a mixin for any of them, and the classes made with it."""

from collections.abc import Mapping
from contextlib import ExitStack
from types import MappingProxyType
from typing import Any

from pyflink.datastream.functions import (
    AllWindowFunction,
    BroadcastProcessFunction,
    CoFlatMapFunction,
    CoMapFunction,
    CoProcessFunction,
    FilterFunction,
    FlatMapFunction,
    KeyedBroadcastProcessFunction,
    KeyedCoProcessFunction,
    KeyedProcessFunction,
    MapFunction,
    ProcessAllWindowFunction,
    ProcessFunction,
    ProcessWindowFunction,
    WindowFunction,
)

from modelstream.arguments import check_model
from modelstream.errors import OptionError
from modelstream.flink.environment import batch_of, refuse_thread_context
from modelstream.messages import listed
from modelstream.models import Model, TensorFlowOptions
from modelstream.scoring.batch import Batch
from modelstream.scoring.metrics import ModelMetrics
from modelstream.scoring.session import ModelHandle, Session


class ModelAwareFunction:
    """A mixin for any function of Flink: its models are open while the function is.

    Put it before the Flink class: ``class Score(ModelAwareFunction, MapFunction)``. A subclass that
    has an ``__init__``, ``open`` or ``close`` of its own calls the one of ``super()``.

    A process loads a model once, however many functions use it; it leaves memory with the last.

    Args:
        models: one or several, with different names.
        options: how TensorFlow runs them; what each model says of itself if None.
        batch: how large a call of ``score_all`` may be, and what it is padded to; the job's, as
            `configure` has set it, if None.
        warm_up: call the default signature of each model with zeros before the first record.

    Raises:
        OptionError: there is no model, something else is given, or two have the same name.
    """

    _models: tuple[Model, ...] = ()
    _batch: Batch | None = None
    _options: TensorFlowOptions | None = None
    _warm_up = True
    _metrics_type: type[ModelMetrics] = ModelMetrics
    _handles: Mapping[str, ModelHandle] = MappingProxyType({})

    def __init__(
        self,
        *models: Model,
        options: TensorFlowOptions | None = None,
        batch: Batch | None = None,
        warm_up: bool = True,
    ) -> None:
        super().__init__()
        kind = type(self).__name__
        for model in models:
            check_model(model, kind, f"give the models one by one, {kind}(a, b)")
        names = [model.name for model in models]
        if not models or len(set(names)) < len(names):
            raise OptionError(
                f"{kind} takes one or more models with different names; it has "
                f"{listed(names) if names else 'none'}. SavedModel(path, name=...) gives another"
            )
        self._models, self._options, self._batch = models, options, batch
        self._warm_up = warm_up

    def open(self, runtime_context: Any) -> None:
        """Load the models, or share the copies of this process.

        Raises:
            OptionError: Flink runs the function in a thread of the JVM.
        """
        refuse_thread_context(runtime_context)
        if not self._models:
            raise OptionError(f"{type(self).__name__}.__init__ must call super().__init__(model)")
        group = runtime_context.get_metrics_group()
        batch = self._batch = self._batch or batch_of(runtime_context)
        with ExitStack() as stack:
            for model in self._models:
                metrics = self._metrics_type(group, model.name)
                session = Session(model, metrics, batch, self._options)
                stack.callback(session.close)
                if self._warm_up:
                    session.warm_up_signature()
                self._handles = {**self._handles, model.name: ModelHandle(session)}
            super().open(runtime_context)
            self._stack = stack.pop_all()

    def close(self) -> None:
        """Give the models back."""
        try:
            super().close()
        finally:
            self._handles = MappingProxyType({})
            if stack := self.__dict__.pop("_stack", None):
                stack.close()

    @property
    def models(self) -> Mapping[str, ModelHandle]:
        """The open models, by name.

        Raises:
            OptionError: the function is not open.
        """
        if not self._handles:
            name = type(self).__name__
            raise OptionError(
                f"{name} has no open models: derive it from ModelAwareFunction first and from the "
                f"Flink class after, and call super().open(runtime_context) in {name}.open"
            )
        return self._handles

    @property
    def model(self) -> ModelHandle:
        """The open model of a function that has one.

        Raises:
            OptionError: it has several.
        """
        handles = self.models
        if len(handles) > 1:
            raise OptionError(
                f"{type(self).__name__} has the models {listed(handles)}: "
                f"say which, as self.models[name]"
            )
        (handle,) = handles.values()
        return handle


# pyflink has no types: each class below derives from one that mypy does not know.
# mypy: disable-error-code=misc


class ModelMapFunction(ModelAwareFunction, MapFunction):
    """One record in, one out: ``map(value)``."""


class ModelFlatMapFunction(ModelAwareFunction, FlatMapFunction):
    """One record in, any number out: ``flat_map(value)``."""


class ModelFilterFunction(ModelAwareFunction, FilterFunction):
    """Lets through the records for which ``filter(value)`` is true."""


class ModelProcessFunction(ModelAwareFunction, ProcessFunction):
    """``process_element(value, ctx)``: side outputs and the record's time."""


class ModelKeyedProcessFunction(ModelAwareFunction, KeyedProcessFunction):
    """``process_element(value, ctx)`` and ``on_timer(timestamp, ctx)``, with state by key."""


class ModelCoMapFunction(ModelAwareFunction, CoMapFunction):
    """Two streams, ``map1(value)`` and ``map2(value)``; a result of None is left out."""


class ModelCoFlatMapFunction(ModelAwareFunction, CoFlatMapFunction):
    """Two streams, ``flat_map1(value)`` and ``flat_map2(value)``."""


class ModelCoProcessFunction(ModelAwareFunction, CoProcessFunction):
    """Two streams, ``process_element1(value, ctx)`` and ``process_element2(value, ctx)``."""


class ModelKeyedCoProcessFunction(ModelAwareFunction, KeyedCoProcessFunction):
    """Two streams of one key, with state by key and timers."""


class ModelBroadcastProcessFunction(ModelAwareFunction, BroadcastProcessFunction):
    """A stream, and one that every subtask sees: ``process_broadcast_element(value, ctx)``."""


class ModelKeyedBroadcastProcessFunction(ModelAwareFunction, KeyedBroadcastProcessFunction):
    """A keyed stream, and one that every subtask sees, with state by key and timers."""


class ModelWindowFunction(ModelAwareFunction, WindowFunction):
    """The records of a key's window at once: ``apply(key, window, inputs)``."""


class ModelAllWindowFunction(ModelAwareFunction, AllWindowFunction):
    """The records of a window at once, of all keys: ``apply(window, inputs)``."""


class ModelProcessWindowFunction(ModelAwareFunction, ProcessWindowFunction):
    """The records of a key's window at once, with state: ``process(key, context, elements)``."""


class ModelProcessAllWindowFunction(ModelAwareFunction, ProcessAllWindowFunction):
    """The records of a window at once, of all keys, with state: ``process(context, elements)``."""
