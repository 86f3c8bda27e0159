"""What becomes of a record on which the function around a model raised."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pyflink.common import Row

from modelstream import embedded
from modelstream.arguments import check_on_error
from modelstream.errors import BrokenModelError, UnscorableError
from modelstream.failure import Failure, OnError, Stage
from modelstream.flink import letters
from modelstream.models import Model
from modelstream.scoring.letter import FailedBy
from modelstream.scoring.metrics import Counted
from modelstream.scoring.settle import Refused, settle


class Counts(Protocol):
    """An open model that counts what failed around it."""

    @property
    def model(self) -> Model:
        """The model that is open."""

    def failed(self, records: int, failures: int, dead_letters: int) -> None:
        """Count what the model itself did not: records, failures and dead letters."""


@dataclass(frozen=True)
class Failing:
    """What a function does about records on which it raises.

    Attributes:
        function: its name, for messages.
        on_error: what the user wants.
    """

    function: str
    on_error: OnError

    def __post_init__(self) -> None:
        check_on_error(self.on_error)

    def letters(
        self, error: Exception, record: Any, models: Mapping[str, Counts], counted: Counted
    ) -> list[Row]:
        """The record's dead letter; none where it is dropped. Counts it.

        Args:
            error: what the function raised.
            record: the one that it was called with.
            models: the open models, by name.
            counted: the models that have counted the record.

        Raises:
            BrokenModelError: the model is at fault.
            RecordFailedError: ``on_error`` is Fail; names the record.
        """
        if isinstance(error, BrokenModelError):
            embedded.note(error)
            raise error
        if isinstance(error, UnscorableError):  # counted as a failure already
            name, failure, uncounted, taker = error.model, error.failure, 0, None
        else:
            name, failure, uncounted = ", ".join(models), Failure.of(Stage.FUNCTION, error), 1
            taker = self.function
        handle = models.get(name) or next(iter(models.values()))
        by = FailedBy.of(handle.model) if name in models else FailedBy(name)
        refused = Refused(record, failure)
        found = settle([refused], self.on_error, by, taker=taker, cause=error)
        handle.failed(0 if counted else uncounted, uncounted, len(found))
        return [letters.as_row(each) for each in found]


def name_of(function: Any) -> str:
    """What messages call a function of the user."""
    return str(getattr(function, "__name__", type(function).__name__))
