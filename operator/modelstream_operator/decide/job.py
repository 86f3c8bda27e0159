"""What Flink says of a job, in the words of its REST interface. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from modelstream_crds.podreasons import PodReason
from modelstream_operator.decide.stored import Kind, Stored

SETTLED = timedelta(seconds=5)
"""All tasks of a job that fails on every record run for a moment between two failures."""


class JobState(StrEnum):
    """States of a job that the operator tells apart, as Flink spells them; it has others too."""

    INITIALIZING = "INITIALIZING"
    CREATED = "CREATED"
    RUNNING = "RUNNING"
    FAILING = "FAILING"
    RESTARTING = "RESTARTING"
    FINISHED = "FINISHED"
    CANCELED = "CANCELED"
    FAILED = "FAILED"


TERMINAL = frozenset({JobState.FINISHED, JobState.CANCELED, JobState.FAILED})
"""States that a job does not leave."""

SUCCEEDED = "SUCCEEDED"
"""In Flink's record of an ended job, what its REST interface calls FINISHED."""


def reason_of(state: str) -> str:
    """The reason of a condition for a state: ``RESTARTING`` is ``JobRestarting``."""
    return f"Job{state.capitalize()}"


@dataclass(frozen=True)
class Job:
    """The Flink job as Flink counts it."""

    state: str
    """A ``JobState``, or another word of Flink's."""
    running: int = 0
    finished: int = 0
    total: int = 0
    steady: timedelta = timedelta.max
    """For how long no task has changed its state."""

    @classmethod
    def of(cls, entry: Mapping[str, Any]) -> "Job":
        """Read it from an entry of Flink's ``/jobs/overview``, whose times are milliseconds."""
        tasks = entry["tasks"]
        # The JobManager's own clock, which need not be ours.
        now = entry["start-time"] + entry["duration"]
        return cls(
            entry["state"],
            running=tasks["running"],
            finished=tasks["finished"],
            total=tasks["total"],
            steady=timedelta(milliseconds=now - entry["last-modification"]),
        )

    @property
    def ended(self) -> bool:
        """Whether it never runs again."""
        return self.state in TERMINAL

    @property
    def all_running(self) -> bool:
        """Whether each task runs, or has ended well."""
        done = self.running + self.finished
        return self.state == JobState.RUNNING and self.total > 0 and done == self.total

    @property
    def settled(self) -> bool:
        """Whether all tasks run, and have done so for long enough to be believed."""
        return self.all_running and self.steady >= SETTLED


@dataclass(frozen=True)
class Checkpoints:
    """What a job has kept: of Flink's ``/jobs/:id/checkpoints``."""

    newest: Stored | None = None
    """The newest that a later job can go on from."""
    stopped_with: str | None = None
    """The savepoint that the job was stopped with, whoever asked for it."""

    @classmethod
    def of(cls, answer: Mapping[str, Any], job_id: str) -> "Checkpoints":
        """Read the answer about a job, which counts all of its checkpoints in one row."""
        latest = answer["latest"]
        found = {
            Kind.CHECKPOINT: latest.get("completed") or {},
            Kind.SAVEPOINT: latest.get("savepoint") or {},
        }
        usable = [(kind, each) for kind, each in found.items() if _is_stored(each)]
        newest = max(usable, key=lambda pair: pair[1]["id"], default=None)
        saved = found[Kind.SAVEPOINT]
        # What a stop waits for is the only savepoint that Flink takes synchronously. A job that
        # could not be stopped then has gone on from it.
        by_stop = _is_stored(saved) and saved.get("checkpoint_type") == "SYNC_SAVEPOINT"
        later = (found[Kind.CHECKPOINT], latest.get("restored") or {})
        by_stop = by_stop and all(each.get("id", 0) < saved["id"] for each in later)
        return cls(
            newest=Stored(newest[1]["external_path"], newest[0], job_id) if newest else None,
            stopped_with=saved["external_path"] if by_stop else None,
        )


def _is_stored(checkpoint: Mapping[str, Any]) -> bool:
    """Flink writes ``<checkpoint-not-externally-addressable>`` where there is no path."""
    path = checkpoint.get("external_path")
    return bool(path) and not str(path).startswith("<") and not checkpoint.get("discarded")


_RECORD = re.compile(rf"{PodReason.JOB_ENDED}: (SUCCEEDED|FAILED|CANCELED)(?: (\S+))?\s*")


@dataclass(frozen=True)
class Record:
    """Flink's own record of a job that has ended, which a replaced JobManager reads and tells.

    It ends with ``JobEnded: SUCCEEDED|FAILED|CANCELED[ PATH]`` instead of becoming Flink; the path
    is that of the newest savepoint that was asked for by us, or else of the newest checkpoint.
    """

    status: str
    path: str | None = None

    @classmethod
    def of(cls, message: str) -> "Record | None":
        """Read a termination message; None where it says something else."""
        found = _RECORD.fullmatch(message)
        return cls(found[1], found[2]) if found else None


@dataclass(frozen=True)
class SavepointAnswer:
    """How a savepoint is doing: in progress, done with a path, or failed with a cause."""

    path: str | None = None
    failure: str | None = None


_GONE = ("Cannot find checkpoint or savepoint", "Cannot find meta data file")
"""In what Flink says of one that is not there."""


@dataclass(frozen=True)
class Disposal:
    """How the disposal of a savepoint went."""

    failure: str = ""

    @property
    def is_gone(self) -> bool:
        """Whether there was nothing to delete, as after one that nobody heard the answer of."""
        return any(each in self.failure for each in _GONE)
