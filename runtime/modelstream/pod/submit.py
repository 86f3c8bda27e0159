"""What Flink's Python driver runs in the JobManager: the job of the manifest, as everywhere.

A file of its own and not a module: the driver copies it into a directory and runs it from there.
"""

import os
import signal
import sys
import traceback
from pathlib import Path

from modelstream.job.__main__ import main
from modelstream.pod.failure import said, write
from modelstream.pod.paths import Paths


def run(arguments: list[str]) -> int:
    """Build and submit the job; an error is the container's termination message."""
    try:
        return main(arguments) or 0
    except Exception as error:  # the last place where Python's own words are known
        traceback.print_exc()
        write(said(error), Paths().termination_log)
        end_jobmanager()
        return 1


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
