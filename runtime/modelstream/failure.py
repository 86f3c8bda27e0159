"""What happens to a record that cannot be scored."""

import time
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from modelstream.messages import text

_LONGEST = 2000


class Stage(StrEnum):
    """Where a record failed."""

    FORMAT = "format"
    """Its bytes are not what the format says."""
    ENCODE = "encode"
    """A value does not fit the tensor."""
    INFERENCE = "inference"
    """The model refused it."""
    OUTPUT = "output"
    """What the model gave does not fit the output column."""
    FUNCTION = "function"
    """The Python function around the model raised."""


@dataclass(frozen=True)
class Fail:
    """The job fails, with an error that names the record. With a checkpoint it starts over."""


@dataclass(frozen=True)
class Drop:
    """The record is left out, and counted."""


@dataclass(frozen=True)
class DeadLetter:
    """The record goes to the dead letters, with the reason.

    Examples:
        >>> found = ms.infer(payments, model, key="id", on_error=ms.DeadLetter())
        >>> found.dead_letters
    """


@dataclass(frozen=True)
class Null:
    """The outputs of the record are NULL, and a field says why. For functions of SQL."""


OnError: TypeAlias = Fail | Drop | DeadLetter
"""What becomes of a record that cannot be scored."""

ADVICE = "To go on without such records, choose DeadLetter or Drop"
"""What an error of `Fail` ends with."""


def _now() -> int:
    return time.time_ns() // 1_000_000


def _said(error: BaseException) -> str:
    """The message, without the record's place in a batch that who reads it has never seen."""
    index, said = getattr(error, "index", None), text(error)
    return said if index is None else said.replace(f"record {index}", "the record", 1)


@dataclass(frozen=True)
class Failure:
    """Why one record cannot be scored.

    Attributes:
        stage: where it failed.
        error_type: the class of the exception.
        message: what the exception said, cut to 2,000 characters.
        time: when, in milliseconds since 1970.
    """

    stage: Stage
    error_type: str
    message: str
    time: int = field(default_factory=_now)

    @classmethod
    def of(cls, stage: Stage, error: BaseException) -> "Failure":
        """A failure made of the exception that stopped the record."""
        return cls(stage, type(error).__name__, _said(error)[:_LONGEST])

    def __str__(self) -> str:
        return f"{self.stage}: {self.error_type}: {self.message}"
