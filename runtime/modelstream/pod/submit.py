"""What Flink's Python driver runs in the JobManager: the job of the manifest, as everywhere.

A file of its own and not a module: the driver copies it into a directory and runs it from there.
"""

import os
import signal
import sys
import traceback
from pathlib import Path

from modelstream.errors import ModelStreamError
from modelstream.job.__main__ import main
from modelstream.pod.failure import described, write
from modelstream.pod.paths import Paths

FRAMES = 8
"""Lines of the program that are told, the innermost ones."""
HALF = 1000
"""Characters of a long message that are told from its beginning, and from its end."""


def run(arguments: list[str]) -> int:
    """Build and submit the job; an error is the container's termination message."""
    try:
        return main(arguments) or 0
    except Exception as error:  # the last place where Python's own words are known
        traceback.print_exc()
        write(said(error), Paths().termination_log)
        end_jobmanager()
        return 1


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


def end_jobmanager() -> None:
    """End Flink's process, so that the container ends and its message is seen.

    A JobManager without a job would wait for ever. Told of the failure it would also note the
    application as failed for good in its high availability, and not try again when the cause is
    gone; so it must not come to that.
    """
    parent = os.getppid()
    if b"StandaloneApplicationClusterEntryPoint" in Path(f"/proc/{parent}/cmdline").read_bytes():
        sys.stdout.flush()
        sys.stderr.flush()
        os.kill(parent, signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
