"""Opening, emitting and closing, shared by the learning and the scoring function."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from pyflink.common import Row
from pyflink.datastream import OutputTag, RuntimeContext

from modelstream.flink.keyed import refusals
from modelstream.online.definition import OnlineModel
from modelstream.online.metrics import LearningMetrics
from modelstream.online.prequential import Prequential, Results, Scored
from modelstream.scoring.letter import FailedBy


@dataclass(frozen=True)
class Setup:
    """All that the functions need in the worker. Picklable.

    Attributes:
        model: the definition.
        fields: the names of the record's fields, in their order.
        kept: those that go on.
    """

    model: OnlineModel
    fields: tuple[str, ...]
    kept: tuple[str, ...]


def tensorflow_learner(model: OnlineModel) -> Any:
    """What does the arithmetic of a model."""
    from modelstream.online.learner import deterministic  # imports TensorFlow

    return deterministic(model)


class LearnerLifecycle:
    """Stands before a class of Flink's functions, whose open and close these are.

    Args:
        setup: the model and the fields of the records.
        dead_letters: where records go that were refused.
        make_learner: makes what does the arithmetic.
    """

    def __init__(
        self, setup: Setup, dead_letters: OutputTag, make_learner: Callable[[OnlineModel], Any]
    ) -> None:
        self._setup = setup
        self._dead_letters = dead_letters
        self._make_learner = make_learner

    def open(self, runtime_context: RuntimeContext) -> None:
        """Build the model, and the loop around it."""
        setup, model = self._setup, self._setup.model
        self._metrics = LearningMetrics(runtime_context.get_metrics_group(), model.name)
        with self._metrics.loading():
            self._learner = self._make_learner(model)
        self._loop = Prequential(model, self._learner, setup.fields, setup.kept, self._metrics)

    def close(self) -> None:
        """The model is gone with this function, also of one that did not open to the end."""
        self.__dict__.pop("_loop", None)
        if learner := self.__dict__.pop("_learner", None):
            learner.close()
            self._metrics.unloaded()

    def _given(self, results: Results, key: str) -> Iterator[Any]:
        """Scored rows, and what becomes of records that were refused.

        Raises:
            RecordFailedError: there is one, and ``on_error`` is Fail.
        """
        yield from map(_scored_row, results.scored)
        self._metrics.scored(len(results.scored), 0, 0)
        model, tag, metrics = self._setup.model, self._dead_letters, self._metrics
        by = FailedBy(model.name)
        yield from refusals(results.refused, key, model.on_error, by, tag, metrics)


def _scored_row(scored: Scored) -> Row:
    """The kept fields, the outputs, the loss, and the age of the weights."""
    return Row(*scored.kept, *scored.outputs, scored.loss, scored.updates)
