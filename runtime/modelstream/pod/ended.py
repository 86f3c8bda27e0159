"""Has the job of this JobManager ended before? Flink's own record of it says so, and what is left.

A JobManager that is replaced after the end would show no job at all, and nobody could tell that
from one whose job has not come yet.
"""

import json
from collections.abc import Mapping
from typing import Any

from modelstream.pod.failure import PodError
from modelstream.pod.restoring import newest_of
from modelstream.pod.statestore import StateStore
from modelstream_crds.podreasons import PodReason

RESULTS = "job-result-store/default"
"""Below the directory of high availability; ``default`` is Flink's name of a cluster without."""

_STATUS = {"SUCCEEDED", "FAILED", "CANCELED"}


class JobEndedError(PodError):
    """``JobEnded: SUCCEEDED|FAILED|CANCELED[ PATH]``: the job's newest savepoint or checkpoint."""

    def __init__(self, status: str, path: str | None) -> None:
        super().__init__(PodReason.JOB_ENDED, f"{status} {path}" if path else status)


def refuse_ended(store: StateStore, options: Mapping[str, Any], job_id: str) -> None:
    """Do not go on where the job has ended.

    Raises:
        JobEndedError: it has.
        OSError: the store does not answer.
    """
    root = f"{options['high-availability.storageDir']}/{RESULTS}"
    for name in (job_id, f"{job_id}_DIRTY"):  # dirty: Flink had not cleaned up behind it
        content = store.read(f"{root}/{name}.json")
        if content is not None:
            raise JobEndedError(status_of(content), left_behind(store, options, job_id))


def status_of(content: bytes) -> str:
    """What a record says; FAILED where it cannot be read, as Flink's own reader fails."""
    try:
        found = json.loads(content)["result"]["application-status"]
    except (ValueError, KeyError, TypeError):
        return "FAILED"
    return found if found in _STATUS else "FAILED"


def left_behind(store: StateStore, options: Mapping[str, Any], job_id: str) -> str | None:
    """The newest savepoint or checkpoint that the job itself has completed."""
    checkpoints = f"{options['execution.checkpointing.dir']}/{job_id}"
    savepoints = str(options["execution.checkpointing.savepoint-dir"])
    newest = newest_of(store, checkpoints, savepoints)
    return newest.address if newest else None
