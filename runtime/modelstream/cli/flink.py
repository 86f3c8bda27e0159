"""The embedded Flink of a local run: its JVM ends with the command, whatever happens."""

import contextlib
import logging
import os
import signal
import time
from collections.abc import Callable, Iterator, MutableMapping

from modelstream.cli.classes import Classes
from modelstream.cli.java import use_java
from modelstream.cli.quiet import quiet
from modelstream.flink import jvm

JVM_ARGS = "JVM_ARGS"
"""The variable by which PyFlink takes options of the JVM that it starts."""
# Compiled well is only what runs often. Else the JVM of a first job spends 4 more CPU seconds on
# what ran to plan and to start it, beside the records.
_WARM_LATER = "-XX:CompileThresholdScaling=5"
_GRACE_SECONDS = 10
_grace = [_GRACE_SECONDS]


@contextlib.contextmanager
def embedded(
    *, verbose: bool, meanwhile: Callable[[], object] = lambda: None
) -> "Iterator[Classes | None]":
    """Start Flink's JVM; stop it at the end and wait until it is gone.

    Gives what keeps its classes for later ones, if they can have them.

    Args:
        verbose: let native libraries write on the terminal.
        meanwhile: begins what can go on while the JVM starts.
    """
    with contextlib.nullcontext() if verbose else quiet():
        java = use_java()
        classes = None if JVM_ARGS in os.environ else Classes.of(java, _WARM_LATER)
        warm_later(more=classes.options if classes else "")
        meanwhile()
        pid = int(jvm.gateway().jvm.java.lang.ProcessHandle.current().pid())
        if not verbose:
            _silence_beam()
        try:
            yield classes
        finally:
            if not verbose:
                logging.disable()  # threads that talk to the JVM log that it is gone
            _stop(pid)


def warm_later(environment: MutableMapping[str, str] | None = None, more: str = "") -> None:
    """Let the JVM compile less while it starts, unless its options are given."""
    options = f"{_WARM_LATER} {more}".strip()
    (os.environ if environment is None else environment).setdefault(JVM_ARGS, options)


def hurry() -> None:
    """Let the JVM no time when it is to end."""
    _grace[0] = 0


def _silence_beam() -> None:
    """Beam prints the traceback of a failing bundle, which the job's error holds already."""
    from apache_beam.runners.worker import sdk_worker

    vars(sdk_worker)["print"] = lambda *_, **__: None


def _stop(pid: int) -> None:
    """PyFlink leaves its JVM to notice by itself that nobody is there any more."""
    with contextlib.suppress(ProcessLookupError, ChildProcessError):
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + _grace[0]
        while time.monotonic() < deadline:
            done, _ = os.waitpid(pid, os.WNOHANG)
            if done:
                return
            time.sleep(0.02)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
