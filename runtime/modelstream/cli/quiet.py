"""Keep the logs of native libraries off the terminal.

TensorFlow writes some lines to file descriptor 2 whatever its log level is, in the middle of a
progress line. Any other line is passed on: a library that dies says so there too.
"""

import contextlib
import logging
import os
import re
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import NamedTuple

_NATIVE = re.compile(rb"[IW]0000 |WARNING: All log messages before absl|[IW]\d{4} \d\d:\d\d:\d\d")


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Leave the terminal to what the command prints itself."""
    for name in ("py4j", "py4j.java_gateway", "py4j.clientserver", "apache_beam", "grpc"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    # Flink's root logger lets INFO through: what is restored, what of TF1 is deprecated.
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    logging.getLogger().addFilter(_is_no_interrupt)
    # Beam's threads end in exceptions when their job ends before its input does.
    threading.excepthook = lambda arguments: None
    warnings.simplefilter("ignore")
    with without_native_noise():
        yield


@contextlib.contextmanager
def without_native_noise() -> Iterator[None]:
    """Keep what TensorFlow tells of itself off the terminal."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with _filtered_errors():
        yield


def _is_no_interrupt(record: logging.LogRecord) -> bool:
    """Py4j logs a traceback when Ctrl-C comes while it waits for the JVM's answer."""
    return not str(record.msg).startswith("KeyboardInterrupt while sending command")


class Pipe(NamedTuple):
    """A pipe for what native libraries write."""

    reading: int
    writing: int


_shared: list[Pipe] = []


def shared_pipe() -> Pipe:
    """What native libraries will write in this process and its children; somebody else reads it."""
    if not _shared:
        _shared.append(Pipe(*os.pipe()))
    return _shared[0]


@contextlib.contextmanager
def _filtered_errors() -> Iterator[None]:
    try:
        number = sys.stderr.fileno()
    except (OSError, ValueError):  # captured, as in a test
        yield
        return
    ours = os.dup(number)
    pipe = _shared[0] if _shared else Pipe(*os.pipe())
    os.dup2(pipe.writing, number)
    os.close(pipe.writing)
    before = sys.stderr
    sys.stderr = open(ours, "w", buffering=1, closefd=False)  # noqa: SIM115  # a descriptor
    thread = threading.Thread(target=_pass_on, args=(pipe.reading, ours), daemon=True)
    if _shared:
        os.close(pipe.reading)
    else:
        thread.start()
    try:
        yield
    finally:
        sys.stderr.flush()
        sys.stderr = before
        os.dup2(ours, number)
        if not _shared:
            thread.join(timeout=1)  # a child that holds the pipe open must not hold us up
        os.close(ours)


def _pass_on(reading: int, to: int) -> None:
    for _ in passed_on(reading, to):
        pass


def passed_on(reading: int, to: int) -> Iterator[bytes]:
    """The lines that come through a pipe, without the noise; each is handed on to a descriptor."""
    with open(reading, "rb") as lines, contextlib.suppress(OSError):  # a descriptor
        for line in lines:
            if not _NATIVE.match(line):
                os.write(to, line)
                yield line
