"""What becomes of a record on which the function around a model raised."""

from collections.abc import Mapping
from typing import Any, Protocol

from pyflink.common import Row

from modelstream.deadletter import DeadLetter, Failure, OnError, Stage
from modelstream.errors import UnscorableError
from modelstream.inference import letters


class Counts(Protocol):
    """An open model that counts what failed around it."""

    def failed(self, failures: int, dead_letters: int) -> None:
        """Count records that failed outside of the model, and those that became dead letters."""


def failed(
    error: Exception, record: Any, models: Mapping[str, Counts], on_error: OnError
) -> Row | None:
    """The record's dead letter; None where it is dropped. Counts it."""
    if isinstance(error, UnscorableError):  # counted as a failure already
        name, failure, uncounted = error.model, error.failure, 0
    else:
        name, failure, uncounted = ", ".join(models), Failure.of(Stage.FUNCTION, error), 1
    lettered = isinstance(on_error, DeadLetter)
    handle = models.get(name) or next(iter(models.values()))
    handle.failed(uncounted, int(lettered))
    return letters.letter(record, failure, name) if lettered else None
