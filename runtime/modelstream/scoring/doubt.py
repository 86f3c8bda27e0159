"""Bad data or a broken model: a model that refuses record after record is put to the test."""

from collections.abc import Callable, Iterable, Sequence

from modelstream.errors import BrokenModelError
from modelstream.failure import Failure

PATIENCE = 32
"""Refusals in a row after which the model is tested."""


class Doubt:
    """Counts what a model refuses in a row, and tests the model when it is too much.

    Args:
        model: the model's name.
    """

    def __init__(self, model: str) -> None:
        self._model = model
        self._refused = 0

    def answered(self) -> None:
        """The model has answered for a record: those that it refuses are at fault."""
        self._refused = 0

    def refused(self, failures: Sequence[Failure], trials: Iterable[Callable[[], object]]) -> None:
        """The model has refused these records, after all that were told before.

        Args:
            failures: why, the last record last.
            trials: calls that a sound model answers: its warm-up batch, what it scored last.

        Raises:
            BrokenModelError: these are 32 in a row or more, and the model answers no trial either.
        """
        self._refused += len(failures)
        if self._refused < PATIENCE:
            return
        if not any(map(_passes, trials)):
            raise BrokenModelError(
                f"model {self._model!r} refuses {self._refused} records in a row, and answers "
                f"neither its warm-up batch nor the record that it scored last: the model is at "
                f"fault, not the data. The last record says: {failures[-1]}"
            )
        self._refused = 0


def _passes(trial: Callable[[], object]) -> bool:
    try:
        trial()
    except Exception:  # whatever the model raises
        return False
    return True
