"""What becomes of a record on which the function around a model embedded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from pyflink.common import Row

from modelstream import embedded
from modelstream.arguments import check_on_error
from modelstream.errors import BrokenModelError, RecordFailedError, UnscorableError
from modelstream.failure import ADVICE, DeadLetter, Fail, Failure, OnError, Stage
from modelstream.flink import letters
from modelstream.messages import excerpt
from modelstream.scoring.counted import Counted


class Counts(Protocol):
    """An open model that counts what failed around it."""

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

    def outcome(
        self, error: Exception, record: Any, models: Mapping[str, Counts], counted: Counted
    ) -> Row | None:
        """The record's dead letter; None where it is dropped. Counts it.

        Args:
            error: what the function embedded.
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
        if isinstance(self.on_error, Fail):
            embedded.note(ended := self._ended(error, record))
            raise ended from error
        if isinstance(error, UnscorableError):  # counted as a failure already
            name, failure, uncounted = error.model, error.failure, 0
        else:
            name, failure, uncounted = ", ".join(models), Failure.of(Stage.FUNCTION, error), 1
        lettered = isinstance(self.on_error, DeadLetter)
        handle = models.get(name) or next(iter(models.values()))
        handle.failed(0 if counted else uncounted, uncounted, int(lettered))
        return letters.letter(record, failure, name) if lettered else None

    def _ended(self, error: Exception, record: Any) -> RecordFailedError:
        if isinstance(error, UnscorableError):
            said = str(error)
        else:
            failure = Failure.of(Stage.FUNCTION, error)
            said = f"{self.function} fails on the record {excerpt(record)}: {failure}"
        return RecordFailedError(f"{said}. {ADVICE}")


def name_of(function: Any) -> str:
    """What messages call a function of the user."""
    return str(getattr(function, "__name__", type(function).__name__))
