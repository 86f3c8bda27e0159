"""All that status is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from modelstream_operator.decide.checkpoints import Health
from modelstream_operator.decide.decision import SURE, Answer, Decision, Rest
from modelstream_operator.decide.diagnosis import Verified
from modelstream_operator.decide.job import Job
from modelstream_operator.decide.prepared import NO_PROOF, Prepared, Proof
from modelstream_operator.decide.problem import Problem
from modelstream_operator.decide.stage import Says, stage


@dataclass(frozen=True)
class Facts:
    """All that status is made from."""

    generation: int
    now: datetime
    decision: Decision
    refusal: str | None = None
    """Why the newest spec is not accepted."""
    missing: Problem | None = None
    """What the newest spec names and is not there, so that nothing changes."""
    updated: bool = True
    """Whether what runs, or ran last, was made from the newest spec."""
    outdated: bool = False
    """Whether the operator itself would make the pods otherwise by now."""
    comes_first: str = ""
    """Another stream that has to be well before."""
    awaits_turn: bool = False
    """Whether it is restarted for that when its turn comes."""
    has_restore_from: bool = False
    """Whether the spec says what a run begins with, which counts once."""
    deleted: bool = False
    """Whether the resource is being deleted."""
    keeps: bool = False
    """Whether the present run takes checkpoints that outlive it."""
    health: Health | None = None
    """How those do, where Flink has said."""
    held: bool = False
    """Whether the newest spec has failed, and is not tried again by itself."""
    rest: Rest | None = None
    problems: Sequence[Problem] = ()
    answer: Answer = Answer.JOB
    times: int = 1
    """How often in a row the same was answered."""
    job: Job | None = None
    failure: str = ""
    """The root cause of the job's newest failure."""
    parallelism: int | None = None
    """What the job is to have; None where it cannot be rescaled."""
    refused_scale: str = ""
    replicas: int = 0
    pods: int = 0
    """TaskManager pods that exist."""
    scheduled: int = 0
    ready: int = 0
    models: Mapping[str, str] = field(default_factory=dict)
    """URI of each model."""
    verified: Mapping[str, Verified] = field(default_factory=dict)
    first: Mapping[str, str] = field(default_factory=dict)
    """Digests of the TaskManager that has verified all models first."""
    gpu: bool = False
    gpu_checked: bool = True
    """False where the podTemplate turns the check off."""
    selector: str = ""
    overdue: str = ""
    """Pods that should have ended, and do not."""
    blocked_by: str = ""
    """Why a stream that rests does not go on although it should."""
    proof: Proof = NO_PROOF
    """Of what is prepared."""

    @property
    def stage(self) -> Says | None:
        """What the life cycle says by itself."""
        return stage(self.decision, self.rest, self.overdue, self.blocked_by)

    @property
    def proving(self) -> Prepared | None:
        """What is being proven, or could not be."""
        return self.decision.memory.proving

    @property
    def passing(self) -> bool:
        """Whether an answer of Flink is not to be believed before it has come again."""
        memory = self.decision.memory
        odd = self.answer is Answer.SILENT or (self.answer is Answer.NO_JOB and memory.started)
        return bool(odd) and self.times < SURE
