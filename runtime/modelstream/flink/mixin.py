"""What makes a function of Flink one that has models."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, ExitStack
from types import MappingProxyType
from typing import Any

from modelstream.errors import OptionError
from modelstream.flink.environment import refuse_thread_context
from modelstream.models import Model, Runtime
from modelstream.models.protocol import check_model
from modelstream.models.signature import listed
from modelstream.scoring.batch import Batch
from modelstream.scoring.metrics import ModelMetrics
from modelstream.scoring.session import ModelHandle, opened


class ModelAwareFunction:
    """A mixin for any function of Flink: its models are open while the function is.

    Put it before the Flink class: ``class Score(ModelAwareFunction, MapFunction)``. A subclass that
    has an ``__init__``, ``open`` or ``close`` of its own calls the one of ``super()``.

    A process loads a model once, however many functions use it; it leaves memory with the last.

    Args:
        models: one or several, with different names.
        runtime: how TensorFlow runs them; what each model says of itself if None.
        batch: how large a call of ``score_all`` may be, and what it is padded to.

    Raises:
        OptionError: there is no model, something else is given, or two have the same name.
    """

    _models: tuple[Model, ...] = ()
    _batch: Batch = Batch()
    _runtime: Runtime | None = None
    _metrics_type: type[ModelMetrics] = ModelMetrics
    _handles: Mapping[str, ModelHandle] = MappingProxyType({})

    def __init__(
        self,
        *models: Model,
        runtime: Runtime | None = None,
        batch: Batch = Batch(),  # noqa: B008  # frozen
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
        self._models, self._runtime, self._batch = models, runtime, batch

    def open(self, runtime_context: Any) -> None:
        """Load the models, or share the copies of this process.

        Raises:
            OptionError: Flink runs the function in a thread of the JVM.
        """
        refuse_thread_context(runtime_context)
        if not self._models:
            raise OptionError(f"{type(self).__name__}.__init__ must call super().__init__(model)")
        group = runtime_context.get_metrics_group()
        with ExitStack() as stack:
            self._handles = {
                model.name: stack.enter_context(self._opened(model, group))
                for model in self._models
            }
            super().open(runtime_context)  # type: ignore[misc]  # of the Flink class beside it
            self._stack = stack.pop_all()

    def _opened(self, model: Model, group: Any) -> AbstractContextManager[ModelHandle]:
        metrics = self._metrics_type(group, model.name)
        return opened(model, metrics, self._batch, self._runtime)

    def close(self) -> None:
        """Give the models back."""
        try:
            super().close()  # type: ignore[misc]  # of the Flink class beside it
        finally:
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
