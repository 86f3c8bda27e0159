"""The command ``modelstream``."""

import contextlib
import os
import signal
import stat
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from types import FrameType

from modelstream.cli.arguments import parser
from modelstream.cli.colours import Colour, painted
from modelstream.cli.exits import Exit, exit_for
from modelstream.cli.pages import page_for
from modelstream.cli.progress import silenced
from modelstream.errors import ModelStreamError
from modelstream_crds.problems import ManifestError

__all__ = ["main", "reported"]


class _AskedToEnd(BaseException):
    """SIGTERM or SIGHUP, so that what runs is cleaned up as it is for Ctrl-C."""

    def __init__(self, number: int) -> None:
        self.code = Exit(128 + number)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Args:
        argv: its words, given by a program whose process this is; those of the process, which is
            the command's own, if None.
    """
    root = parser()
    arguments = root.parse_args(argv)
    if arguments.command is None:
        root.print_help()
        return Exit.DONE
    arguments.own_process, arguments.leave = argv is None, int
    with silenced(when=arguments.quiet):
        code = reported(lambda: arguments.command(arguments), verbose=arguments.verbose)
    ended: int = arguments.leave(code)
    return ended


def reported(work: Callable[[], int], *, verbose: bool = False) -> int:
    """The exit code of ``work``; its errors become one message on standard error."""
    try:
        with _termination():
            return int(work())
    except KeyboardInterrupt:
        return Exit.INTERRUPTED
    except _AskedToEnd as asked:
        return asked.code
    except BrokenPipeError:
        # The reader of our output has left, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.FAILED
    except (ModelStreamError, ManifestError) as error:
        _tell(error, verbose=verbose)
        return exit_for(error)


def _tell(error: Exception, *, verbose: bool) -> None:
    if verbose:
        # Flink's text is in the detail, without secrets; in the cause it still has them.
        traceback.print_exception(error, chain=not hasattr(error, "detail"))
        if detail := getattr(error, "detail", None):
            print(detail, file=sys.stderr)
    first, *more = [line for line in str(error).splitlines() if line.strip()] or [repr(error)]
    more += getattr(error, "__notes__", [])
    more += [f"see {found}"] if (found := page_for(error)) else []
    name = painted("modelstream:", Colour.WRONG, sys.stderr)
    print(f"{name} {first}", *(f"  {line}" for line in more), sep="\n", file=sys.stderr)


@contextlib.contextmanager
def _termination() -> Iterator[None]:
    def terminate(signum: int, frame: FrameType | None) -> None:
        if signum == signal.SIGHUP:
            _leave_terminal()
        raise _AskedToEnd(signum)

    asked = (signal.SIGTERM, signal.SIGHUP)
    heard = [each for each in asked if signal.getsignal(each) is not signal.SIG_IGN]  # nohup
    try:
        before = {each: signal.signal(each, terminate) for each in heard}
    except ValueError:  # not in the main thread, which gets no signals
        yield
        return
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)


def _leave_terminal() -> None:
    """What is said to a terminal that was closed is said to nobody, and fails no more."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or no file
            number = stream.fileno()  # type: ignore[union-attr]  # None where there is none
            if stat.S_ISCHR(os.fstat(number).st_mode):
                os.dup2(nowhere, number)
    os.close(nowhere)
