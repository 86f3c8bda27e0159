"""How a container says why it ends: the last lines of its log, and its termination message."""

import sys
from pathlib import Path

from modelstream.errors import ModelStreamError

LIMIT = 4096
"""Bytes that Kubernetes keeps of a termination message."""


class PodError(ModelStreamError):
    """The pod cannot do its work; ``reason`` is one word that status shows."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def reason_of(error: BaseException) -> str:
    """One word for an error: its own, or its class (``ModelNotFound``, but ``JobError``)."""
    if isinstance(error, PodError):
        return error.reason
    name = type(error).__name__
    short = name.removesuffix("Error")
    return short if sum(letter.isupper() for letter in short) > 1 else name


def described(error: BaseException) -> str:
    """``Reason: message``, the form in which every container of ours fails."""
    return f"{reason_of(error)}: {error}" if str(error) else reason_of(error)


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
