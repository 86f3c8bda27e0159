"""What the life cycle is asked, what it sees, and what it answers. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from modelstream_operator.decide.job import Checkpoints, Disposal, Job, Record, SavepointAnswer
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.news import News
from modelstream_operator.decide.prepared import NO_PROOF, Proof
from modelstream_operator.decide.problem import Reason
from modelstream_operator.decide.saved import UNKNOWN, MadeOf
from modelstream_operator.decide.stored import Found, Stored

SURE = 3
"""Equal answers in a row that make one believed: one alone may be a slow or a starting Flink."""
SURE_AFTER = timedelta(seconds=10)
"""How long they have to last at least."""


class Rest(StrEnum):
    """Why a stream is to have no pods for now."""

    SUSPENDED = Reason.SUSPENDED.value
    SCALED_TO_ZERO = Reason.SCALED_TO_ZERO.value


@dataclass(frozen=True)
class Restore:
    """What a person wants a run to begin with; each nonce counts once."""

    nonce: int
    state: Stored | None
    """None: the run begins anew."""

    def __str__(self) -> str:
        if self.state is None:
            return f"{self.nonce}: nothing"
        return f"{self.nonce}: {self.state.kind} {self.state.path}"


@dataclass(frozen=True)
class Wanted:
    """What the resource asks for, as far as the life cycle is concerned."""

    revision: str
    """What would be deployed; empty where no spec that can be worked with is known."""
    restart: bool = False
    """Whether the present run has to make room for it."""
    rest: Rest | None = None
    keeps_state: bool = False
    """Whether a change takes the job's state along."""
    from_checkpoint: bool = False
    """Whether that is its newest checkpoint, with no savepoint before."""
    savepoints: str | None = None
    """Where the present run can be stopped with a savepoint, by what it was made from."""
    checkpoints: str | None = None
    """Where the present run keeps its checkpoints; None without state, where a JobManager that is
    replaced knows nothing of the job before it."""
    looks_in: str | None = None
    """Where the next run keeps its checkpoints: what other jobs have completed there is not passed
    over by a stream that has never begun. None where no state is to be taken along."""
    parallelism: int | None = None
    """What a running job is rescaled to; None where it cannot be."""
    begins_with: int | None = None
    """What the next job is given, where that differs: 0 of one that cannot be rescaled."""
    stale: bool = False
    """Whether the newest spec cannot be worked with, so that this is what was asked for before."""
    rolls_back: bool = False
    """Whether a revision that does not work gives way to the last that did."""
    ready_timeout: timedelta = timedelta(minutes=10)
    """How long a new one may take, once its pods have nodes."""
    publishes_once: bool = False
    """Whether what the present run published may be published exactly once."""
    startable: Mapping[str, int] = field(default_factory=dict)
    """Other revisions that can be started, as they are kept: what their job is given."""
    takes_less: bool = False
    """Whether the next run may begin with a part of the state."""
    savepoint_nonce: int = 0
    """A savepoint is taken for each that is greater than all before."""
    savepoint_interval: timedelta | None = None
    """How long after the last savepoint the next one is taken."""
    keep: int | None = None
    """How many savepoints are kept; None: all."""
    restore: Restore | None = None
    """What the next run begins with instead of what the one before has left."""
    deletion: timedelta | None = None
    """Given when the resource is being deleted: how long that may wait for the pods."""

    saves_at_deletion: bool = False
    """Whether that takes a savepoint first."""

    @property
    def choice(self) -> str:
        """``restore`` as one text, by which a later choice is told from an earlier one."""
        return str(self.restore) if self.restore else ""

    @property
    def changes(self) -> bool:
        """Whether the present run is to end."""
        return self.restart or self.rest is not None


class Answer(StrEnum):
    """What asking a JobManager came to."""

    NOT_ASKED = "NotAsked"
    """None is ready."""
    JOB = "Job"
    NO_JOB = "NoJob"
    """It answered, and does not know our job."""
    SILENT = "Silent"
    """It did not answer in time, or somebody on the way refused."""


@dataclass(frozen=True)
class OfRun:
    """What there is of one run in the cluster, as far as the life cycle is concerned."""

    pods: int = 0
    """Those that live."""
    deployments: int = 0
    scaled_down: bool = True
    """Whether none of them asks for pods."""
    leftovers: int = 0
    """ConfigMaps of high availability that the run has left, and needs no more."""


@dataclass(frozen=True)
class Swept:
    """What a pod that has ended was to remove: the directories of these jobs."""

    jobs: frozenset[str]
    error: str = ""


@dataclass(frozen=True)
class Seen:
    """What there is, as far as the life cycle is concerned."""

    now: datetime
    fresh_id: str
    answer: Answer = Answer.NOT_ASKED
    times: int = 1
    """How often in a row the same was answered."""
    lasting: timedelta = timedelta()
    """For how long."""
    job: Job | None = None
    failures: tuple[str, ...] = ()
    """Root causes of the job's failures, the newest first; of a job that is well, none."""
    checkpoints: Checkpoints | None = None
    """Asked for when it matters: of a job that has ended, and of a savepoint that is missing."""
    found: Found | None = None
    """What the JobManager has found to go on from, where it had to look for it."""
    record: Record | None = None
    """What a JobManager that was replaced has found out about its job's end."""
    savepoint: SavepointAnswer | None = None
    """Of the remembered trigger id; None when Flink does not know it."""
    refused_stop: str = ""
    """What Flink answered to the stop instead of doing it."""
    bounds: frozenset[int] = frozenset()
    """Parallelisms that the job's vertices may have at present."""
    refused_scale: str = ""
    """What Flink answered to the rescaling instead of doing it."""
    runs: Mapping[int, OfRun] = field(default_factory=dict)
    """By number: every run that anything is left of."""
    planned: bool | None = None
    """Whether high availability holds the plan of a job; None where it has written nothing yet."""
    saved: bool = False
    """Whether high availability names a checkpoint that our job itself has completed."""
    ready: bool = False
    """Whether status has said last that the present run is Ready."""
    said: str = ""
    """What it said of that, for people."""
    placed: bool = False
    """Whether all pods of the present run have nodes."""
    restarts: int = 0
    """How often the job has failed since its JobManager started, as far as that is of interest."""
    application_runs: bool = True
    """Whether the program may still submit its job."""
    proof: Proof = NO_PROOF
    """Of what is prepared."""
    disposal: Disposal | None = None
    """Of the savepoint that is to go; None as long as Flink has not said how it went."""
    spared: frozenset[str] | None = None
    """Savepoints, and jobs of ended runs, that other streams need; None where nobody has looked."""
    outlives: bool = False
    """Whether the present run has been Ready, and has completed a checkpoint since."""
    swept: Swept | None = None
    """What a pod has removed of ended runs."""
    made_of: MadeOf = UNKNOWN
    """What the present run is."""

    @property
    def last_run(self) -> int:
        """The highest number of a run that anything is left of."""
        return max(self.runs, default=0)

    @property
    def pods(self) -> int:
        """Those that live, of all runs."""
        return sum(run.pods for run in self.runs.values())

    @property
    def scaled_down(self) -> bool:
        """Whether no Deployment asks for pods."""
        return all(run.scaled_down for run in self.runs.values())

    @property
    def deployments(self) -> int:
        """Of all runs."""
        return sum(run.deployments for run in self.runs.values())

    @property
    def leftovers(self) -> int:
        """ConfigMaps of high availability that runs which are over have left."""
        return sum(run.leftovers for run in self.runs.values())

    @property
    def has_no_job(self) -> bool:
        """Whether it is sure that a JobManager is there and our job is not."""
        return self.answer is Answer.NO_JOB and self.times >= SURE and self.lasting >= SURE_AFTER


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
    present: int
    """Only what has this parallelism: a program's own is left alone."""
    parallelism: int


@dataclass(frozen=True)
class ForgetHighAvailability:
    """Delete what a job that is over kept for its recovery."""


@dataclass(frozen=True)
class TakeDown:
    """Delete the Deployments of a stream that is being deleted."""


@dataclass(frozen=True)
class TakeSavepoint:
    """Take a savepoint of a job that goes on, under a trigger id that is remembered already."""

    job_id: str
    directory: str
    trigger_id: str


@dataclass(frozen=True)
class DisposeSavepoint:
    """Delete a savepoint; asking twice is no harm."""

    path: str
    trigger_id: str
    """Of ours: Flink gives it another one."""


Act = (
    StopWithSavepoint
    | Rescale
    | ForgetHighAvailability
    | TakeDown
    | TakeSavepoint
    | DisposeSavepoint
)


@dataclass(frozen=True)
class Waiting:
    """Why the life cycle does not go on by itself."""

    reason: Reason
    message: str


@dataclass(frozen=True)
class Decision:
    """What to remember, then what to do."""

    memory: Memory
    act: Act | None = None
    waiting: Waiting | None = None
    news: tuple[News, ...] = ()
    gone: bool = False
    """Whether nothing is left that a deletion waits for."""

    @property
    def running(self) -> bool:
        """Whether there are to be pods."""
        return self.memory.step in {Step.DEPLOYED, Step.SAVEPOINTING}
