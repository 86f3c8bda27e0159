"""``python -m modelstream.job MANIFEST``: what a JobManager runs."""

import sys

from modelstream.job.main import command, main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(command())
