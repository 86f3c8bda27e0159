"""Somebody who is left when native code ends a run: its parent, which waits and tells.

An embedded Flink runs Python functions in the process of the command, so that a crash in TensorFlow
or in an operation takes the command with it, without a word.
"""

import atexit
import contextlib
import ctypes
import mmap
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType
from typing import NoReturn

from modelstream import embedded
from modelstream.cli import quiet

_CRASHES = {
    signal.SIGILL: "an instruction that this processor does not have",
    signal.SIGABRT: "native code gave up",
    signal.SIGBUS: "native code reached for memory that is not there",
    signal.SIGFPE: "native code computed what cannot be",
    signal.SIGSEGV: "native code reached beyond its memory",
}
_WISHES = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""What asks a command to end."""
_PARENT_DIED = 1  # prctl's PR_SET_PDEATHSIG
_DRAIN_SECONDS = 1
_ONCE_SECONDS = 1.0
"""A terminal, a shell and a wrapper such as ``timeout`` each send the signal of one wish."""


@dataclass(frozen=True)
class Ended:
    """How the process of a run ended, if it did not end by itself.

    Attributes:
        number: the signal's.
        model: the one that was loaded or called then; empty where none was.
        last: the last line that native code wrote, where there is one.
    """

    number: int
    model: str = ""
    last: str = ""

    @property
    def code(self) -> int:
        """The exit code, as a shell gives it."""
        return 128 + self.number

    def __str__(self) -> str:
        name = signal.Signals(self.number).name
        if self.number in _CRASHES:
            said = f"a native crash ended the run ({name}: {_CRASHES[signal.Signals(self.number)]})"
        elif self.number == signal.SIGKILL:
            said = f"the run was killed ({name}), as the kernel does where memory is used up"
        else:
            said = f"the run was ended by {name}"
        at = f", while model {self.model!r} was at work" if self.model else ""
        last = f". The last line of native code: {self.last}" if self.last else ""
        return f"{said}{at}{last}"


def parent(*, verbose: bool) -> int | None:
    """Go on in a child, for which this returns None; the parent gets the exit code of the child.

    What has threads already cannot be forked, and goes on without a parent.
    """
    if threading.active_count() > 1 or not hasattr(os, "fork"):
        return None
    note = mmap.mmap(-1, embedded.LONGEST_NAME)
    said = _Said(None if verbose else quiet.shared_pipe())
    own = os.getpid()
    signal.pthread_sigmask(signal.SIG_BLOCK, _WISHES)  # until somebody is there to forward them
    child = os.fork()
    if not child:
        os.setpgid(0, 0)  # Ctrl-C comes through the parent, once
        _die_with(own)
        embedded.share(note)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _WISHES)
        return None
    with _forwarded(child), said.passed_on():
        _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        return os.WEXITSTATUS(status)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGTERM)  # Flink's JVM
    model = note[:].rstrip(b"\0").decode(errors="replace")
    ended = Ended(os.WTERMSIG(status), model, said.last)
    print(f"\nmodelstream: {ended}", file=sys.stderr)
    return ended.code


def leave(code: int) -> NoReturn:
    """End this process now, with what it has to do at its end.

    Flink's workers are threads that may be in TensorFlow still. Python would end them there, and
    the C++ around them would end the process, whose work is done, with SIGABRT.
    """
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with contextlib.suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


def _die_with(parent: int) -> None:
    """Nobody is left behind where the parent is killed; a system without this leaves the child."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PARENT_DIED, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)


@contextlib.contextmanager
def _forwarded(child: int) -> Iterator[None]:
    """What asks the command to end asks the child: once a wish, and never by a second hang-up."""
    last: list[float] = []

    def forward(number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if last and (number == signal.SIGHUP or now - last[-1] < _ONCE_SECONDS):
            return
        last.append(now)
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    heard = [each for each in _WISHES if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, forward) for each in heard}
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _WISHES)
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


class _Said:
    """What native code writes: handed on to the terminal, the last line kept.

    Args:
        pipe: where the child's native code writes; None where that is the terminal.
    """

    def __init__(self, pipe: quiet.Pipe | None) -> None:
        self.last = ""
        self._pipe = pipe

    @contextlib.contextmanager
    def passed_on(self) -> Iterator[None]:
        """Hand on as long as the context lasts, and what is left then."""
        if self._pipe is None:
            yield
            return
        os.close(self._pipe.writing)
        thread = threading.Thread(target=self._pass_on, args=(self._pipe.reading,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            thread.join(_DRAIN_SECONDS)  # the JVM may hold the other end open

    def _pass_on(self, reading: int) -> None:
        for line in quiet.passed_on(reading, sys.stderr.fileno()):
            self.last = line.decode(errors="replace").strip() or self.last
