"""How a container says why it ends: the last lines of its log, and its termination message."""

import re
import sys
import traceback
from pathlib import Path

from modelstream.errors import (
    ConnectorError,
    ConversionError,
    FetchError,
    JobError,
    ModelError,
    ModelStreamError,
    OptionError,
    RecordError,
)
from modelstream_crds.podreasons import PodReason

LIMIT = 4096
"""Bytes that Kubernetes keeps of a termination message."""

_REASONS: dict[type[ModelStreamError], str] = {
    ConnectorError: "ConnectorUnusable",
    ConversionError: "ConversionFailed",
    FetchError: PodReason.FETCH_FAILED,
    JobError: "JobNotBuilt",
    ModelError: "ModelUnusable",
    OptionError: "InvalidOption",
    RecordError: "RecordFailed",
}
"""For classes whose name says too little: ``JobError`` would be read as an error of Python's."""

FRAMES = 8
"""Lines of the program that are told, the innermost ones."""
HALF = 1000
"""Characters of a long message that are told from its beginning, and from its end."""

_BREAK = re.compile(r"(:?)\s*\n\s*")


class PodError(ModelStreamError):
    """The pod cannot do its work; ``reason`` is one word that status shows."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def reason_of(error: BaseException) -> str:
    """One word for an error: its own, or its class (``ModelNotFound``, but ``ValueError``)."""
    if isinstance(error, PodError):
        return error.reason
    name = type(error).__name__
    short = name.removesuffix("Error")
    if sum(letter.isupper() for letter in short) > 1:
        return short
    return next((_REASONS[each] for each in type(error).__mro__ if each in _REASONS), name)


def described(error: BaseException) -> str:
    """``Reason: message`` on one line: of several, the operator takes the last for a log's."""
    text = _BREAK.sub(lambda at: ": " if at[1] else "; ", str(error).strip())
    return f"{reason_of(error)}: {text}" if text else reason_of(error)


def said(error: Exception) -> str:
    """Our own errors as one line; others with the lines of the program that lead to them."""
    if isinstance(error, ModelStreamError):
        return described(error)
    frames = traceback.format_tb(error.__traceback__)[-FRAMES:]
    return "".join(["Traceback (most recent call last):\n", *frames, _ending(error)])


def _ending(error: Exception) -> str:
    """The exception without the pages of Java frames that Flink's errors bring; causes stay."""
    lines = "".join(traceback.format_exception_only(error)).splitlines()
    text = "\n".join(line for line in lines if not line.startswith(("\tat ", "\t... ")))
    return text if len(text) <= 2 * HALF else f"{text[:HALF]}\n…\n{text[-HALF:]}"


def clipped(text: str, limit: int = LIMIT) -> str:
    """The text in at most ``limit`` bytes of UTF-8, its end left out."""
    data = text.encode()
    if len(data) <= limit:
        return text
    return data[: limit - len("…".encode())].decode(errors="ignore") + "…"


def report(text: str, termination_log: Path) -> None:
    """Say it in the log and in the container's status, where its file is there."""
    print(text, file=sys.stderr, flush=True)
    write(text, termination_log)


def write(text: str, termination_log: Path) -> None:
    """The container's termination message; outside of a pod there is no such file."""
    try:
        with termination_log.open("r+b") as file:
            file.truncate()
            file.write(clipped(text).encode())
    except OSError as error:
        print(f"no termination message: {error}", file=sys.stderr)
