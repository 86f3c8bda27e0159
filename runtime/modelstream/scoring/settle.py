"""What becomes of records that cannot be scored: the end of the job, dead letters, or nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from modelstream import embedded, reasons
from modelstream.errors import RecordFailedError
from modelstream.failure import ADVICE, DeadLetter, Fail, Failure, OnError
from modelstream.messages import excerpt
from modelstream.scoring.letter import FailedBy, Letter


@dataclass(frozen=True)
class Refused:
    """A record that was not scored, or not learned from, and why.

    Attributes:
        record: its fields by name, or the record itself.
        failure: where it failed, and why.
        key: what identifies the record, where it has a key.
        number: how many records the subtask had before it, where that is known.
    """

    record: Any
    failure: Failure
    key: Any = None
    number: int | None = None

    def __str__(self) -> str:
        which = "the record" if self.number is None else f"record {self.number} of this subtask,"
        key = "" if self.key is None else f" of key {self.key!r}"
        return f"{which} {excerpt(_plain(self.record))}{key}"


def settle(
    refused: Sequence[Refused],
    on_error: OnError,
    by: FailedBy,
    *,
    taker: str | None = None,
    cause: BaseException | None = None,
) -> list[Letter]:
    """The dead letters of records that were refused; empty where records are dropped.

    Args:
        refused: the records.
        on_error: what the user wants.
        by: the model that refused them, or around which a function raised.
        taker: who fails on the records, where that is not the model itself.
        cause: what the function raised.

    Raises:
        RecordFailedError: ``on_error`` is Fail; names the first record.
    """
    if isinstance(on_error, Fail) and refused:
        first = refused[0]
        who = f"model {by.model!r} cannot score" if taker is None else f"{taker} fails on"
        error = RecordFailedError(f"{who} {first}: {first.failure}. {ADVICE}")
        embedded.note(error)
        raise error from cause
    for each in refused:
        reasons.note(str(each.failure), partial(excerpt, each.record))
    if not isinstance(on_error, DeadLetter):
        return []
    return [Letter.of(each.record, each.failure, by, each.key) for each in refused]


def lettered(on_error: OnError, failures: int) -> int:
    """How many dead letters this number of failures makes."""
    return failures if isinstance(on_error, DeadLetter) else 0


def _plain(record: Any) -> Any:
    """Fields in Python's own types, as people write them."""
    if not isinstance(record, Mapping):
        return record
    return {
        name: value.tolist() if hasattr(value, "tolist") else value
        for name, value in record.items()
    }
