"""The state machine of a job: deploy, stop with a savepoint, tear down, suspend, finish.

What it must remember is in ``status``, and is written there before anything is done: each step can
be repeated after a crash of the operator, without a second job and without a lost savepoint.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from modelstream_crds.v1alpha1 import ModelStreamStatus

RETRY_SAVEPOINT = timedelta(seconds=30)
"""Between a savepoint that failed and the next attempt."""
SETTLED = timedelta(seconds=5)
"""All tasks of a job that fails on every record run for a moment between two failures."""


class Step(StrEnum):
    """Where a job is in its life; ``status.upgrade.step``."""

    DEPLOYED = "Deployed"
    SAVEPOINTING = "Savepointing"
    TEARING_DOWN = "TearingDown"
    SUSPENDED = "Suspended"
    FINISHED = "Finished"


@dataclass(frozen=True)
class Savepoint:
    """The last savepoint that was asked for."""

    trigger_id: str | None = None
    job_id: str | None = None
    path: str | None = None
    time: str | None = None


@dataclass(frozen=True)
class Memory:
    """What status remembers of the life cycle."""

    step: Step | None = None
    run: int = 0
    """Number of the present run, or of the last one; 0 before the first."""
    job_id: str = ""
    started: str | None = None
    """When all tasks ran first: from then on there is state that may not be lost."""
    deployed: str = ""
    target: str = ""
    savepoint: Savepoint | None = None

    @classmethod
    def of(cls, status: ModelStreamStatus) -> "Memory":
        """Read it from the resource's status."""
        job, upgrade, saved = status.job, status.upgrade, status.savepoint
        return cls(
            step=Step(upgrade.step) if upgrade and upgrade.step else None,
            run=status.run or 0,
            job_id=(job.id if job else None) or "",
            started=job.start_time if job else None,
            deployed=(upgrade.deployed_hash if upgrade else None) or "",
            target=(upgrade.target_hash if upgrade else None) or "",
            savepoint=Savepoint(saved.trigger_id, saved.job_id, saved.path, saved.time)
            if saved
            else None,
        )

    @property
    def restore_from(self) -> str | None:
        """The savepoint that the present job starts from: one of an earlier job."""
        saved = self.savepoint
        return saved.path if saved and saved.path and saved.job_id != self.job_id else None


@dataclass(frozen=True)
class Wanted:
    """What the resource asks for, as far as the life cycle is concerned."""

    fingerprint: str
    """Hash of all that a running job cannot change without a restart."""
    suspend: bool = False
    savepoint_directory: str | None = None
    """Where a restart keeps the job's state; None restarts without."""
    parallelism: int | None = None
    """What a running job is rescaled to; None where it cannot be."""


@dataclass(frozen=True)
class Job:
    """The Flink job as Flink counts it."""

    state: str
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
    def all_running(self) -> bool:
        """Whether each task runs, or has ended well."""
        done = self.running + self.finished
        return self.state == "RUNNING" and self.total > 0 and done == self.total

    @property
    def settled(self) -> bool:
        """Whether all tasks run, and have done so for long enough to be believed."""
        return self.all_running and self.steady >= SETTLED


@dataclass(frozen=True)
class SavepointAnswer:
    """How a savepoint is doing: in progress, done with a path, or failed with a cause."""

    path: str | None = None
    failure: str | None = None


@dataclass(frozen=True)
class Seen:
    """What there is, as far as the life cycle is concerned."""

    now: datetime
    fresh_id: str
    newest_run: int = 0
    """Highest number of a run that anything is left of, known to status or not."""
    job: Job | None = None
    pods: int = 0
    scaled_down: bool = False
    """Whether no Deployment asks for pods."""
    savepoint: SavepointAnswer | None = None
    """Of the remembered trigger id; None when Flink does not know it."""
    bounds: frozenset[int] = frozenset()
    """Parallelisms that the job's vertices may have at present."""
    leftovers: int = 0
    """ConfigMaps of high availability; counted while tearing down."""


@dataclass(frozen=True)
class StopWithSavepoint:
    """Stop the job under a trigger id that is remembered already."""

    job_id: str
    directory: str
    trigger_id: str


@dataclass(frozen=True)
class Rescale:
    """Let the running job have this parallelism."""

    job_id: str
    parallelism: int


@dataclass(frozen=True)
class ForgetHighAvailability:
    """Delete what a stopped job kept for its recovery."""


Act = StopWithSavepoint | Rescale | ForgetHighAvailability


@dataclass(frozen=True)
class Waiting:
    """Why the life cycle does not go on by itself."""

    reason: str
    message: str


@dataclass(frozen=True)
class Decision:
    """What to remember, then what to do."""

    memory: Memory
    act: Act | None = None
    apply: bool = True
    """Whether the children are made equal to the resource in this pass."""
    waiting: Waiting | None = None

    @property
    def running(self) -> bool:
        """Whether there are to be pods."""
        return self.memory.step in {Step.DEPLOYED, Step.SAVEPOINTING}


def decide(memory: Memory, wanted: Wanted, seen: Seen) -> Decision:
    """The next step."""
    match memory.step:
        case Step.DEPLOYED:
            return _deployed(memory, wanted, seen)
        case Step.SAVEPOINTING:
            return _savepointing(memory, wanted, seen)
        case Step.TEARING_DOWN:
            return _tearing_down(memory, wanted, seen)
        case Step.FINISHED if memory.deployed == wanted.fingerprint:
            return Decision(memory)
        case Step.FINISHED:
            return Decision(_tear_down(memory, wanted))
    if wanted.suspend:
        return Decision(replace(memory, step=Step.SUSPENDED))
    return Decision(_deploy(memory, wanted, seen))


def _deploy(memory: Memory, wanted: Wanted, seen: Seen) -> Memory:
    kept = memory.savepoint if wanted.savepoint_directory else None
    return Memory(
        step=Step.DEPLOYED,
        run=max(memory.run, seen.newest_run) + 1,
        job_id=seen.fresh_id,
        deployed=wanted.fingerprint,
        target=wanted.fingerprint,
        savepoint=kept if kept and kept.path else None,
    )


def _tear_down(memory: Memory, wanted: Wanted) -> Memory:
    return replace(memory, step=Step.TEARING_DOWN, target=wanted.fingerprint)


def _deployed(memory: Memory, wanted: Wanted, seen: Seen) -> Decision:
    job = seen.job
    if job and job.state == "FINISHED":
        return Decision(replace(memory, step=Step.FINISHED))
    if job and job.all_running and memory.started is None:
        memory = replace(memory, started=seen.now.isoformat(timespec="seconds"))
    if wanted.fingerprint == memory.deployed and not wanted.suspend:
        return Decision(replace(memory, target=memory.deployed), act=_rescale(memory, wanted, seen))
    if wanted.savepoint_directory is None or memory.started is None:
        return Decision(_tear_down(memory, wanted))
    if job and job.all_running:
        asked = Savepoint(trigger_id=seen.fresh_id, job_id=memory.job_id)
        step = replace(memory, step=Step.SAVEPOINTING, target=wanted.fingerprint, savepoint=asked)
        return Decision(step, apply=False)
    state = f"is {job.state}" if job else "does not answer"
    message = (
        f"the job {state}, so that no savepoint can be taken and the change waits: it is made once"
        " the job runs, or at once and without its state with upgrade.mode: Stateless"
    )
    return Decision(memory, apply=False, waiting=Waiting("SavepointNotPossible", message))


def _rescale(memory: Memory, wanted: Wanted, seen: Seen) -> Rescale | None:
    if wanted.parallelism is None or seen.job is None or not seen.bounds:
        return None
    if max(seen.bounds) == wanted.parallelism or seen.job.state != "RUNNING":
        return None
    return Rescale(memory.job_id, wanted.parallelism)


def _savepointing(memory: Memory, wanted: Wanted, seen: Seen) -> Decision:
    if wanted.savepoint_directory is None:
        return Decision(_tear_down(memory, wanted))
    asked, answer = memory.savepoint or Savepoint(), seen.savepoint
    if asked.trigger_id is None:
        return _after_failure(memory, wanted, seen)
    now = seen.now.isoformat(timespec="seconds")
    if answer and answer.path:
        saved = Savepoint(asked.trigger_id, memory.job_id, answer.path, now)
        return Decision(replace(_tear_down(memory, wanted), savepoint=saved))
    if answer and answer.failure:
        failed = Savepoint(job_id=memory.job_id, time=now)
        waiting = Waiting("SavepointFailed", f"{answer.failure}; it is tried again")
        return Decision(replace(memory, savepoint=failed), apply=False, waiting=waiting)
    if answer is None and seen.job and seen.job.state == "RUNNING":
        # Of its own, so that whoever looks there finds this savepoint and no other.
        directory = f"{wanted.savepoint_directory}/{memory.job_id}-{asked.trigger_id}"
        act = StopWithSavepoint(memory.job_id, directory, asked.trigger_id)
        return Decision(memory, act, apply=False)
    if answer is None and seen.job and seen.job.state in {"FINISHED", "CANCELED", "FAILED"}:
        message = (
            f"the job is {seen.job.state} and Flink has forgotten its savepoint: look for it in"
            f" {wanted.savepoint_directory}, or go on without state by upgrade.mode: Stateless"
        )
        return Decision(memory, apply=False, waiting=Waiting("SavepointLost", message))
    return Decision(memory, apply=False)


def _after_failure(memory: Memory, wanted: Wanted, seen: Seen) -> Decision:
    """A savepoint has failed: go back if it is no longer wanted, else try again after a while."""
    if wanted.fingerprint == memory.deployed and not wanted.suspend:
        return Decision(replace(memory, step=Step.DEPLOYED, savepoint=None), apply=False)
    failed = memory.savepoint or Savepoint()
    if failed.time and seen.now - datetime.fromisoformat(failed.time) < RETRY_SAVEPOINT:
        waiting = Waiting("SavepointFailed", "the savepoint failed; it is tried again")
        return Decision(memory, apply=False, waiting=waiting)
    asked = Savepoint(trigger_id=seen.fresh_id, job_id=memory.job_id)
    return Decision(replace(memory, savepoint=asked), apply=False)


def _tearing_down(memory: Memory, wanted: Wanted, seen: Seen) -> Decision:
    if seen.pods or not seen.scaled_down:
        return Decision(memory)
    if seen.leftovers:
        return Decision(memory, ForgetHighAvailability())
    if wanted.suspend:
        return Decision(replace(memory, step=Step.SUSPENDED, started=None))
    return Decision(_deploy(memory, wanted, seen))
