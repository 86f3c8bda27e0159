"""Facts of a stream that is well, and what its status says of one condition."""

from dataclasses import replace
from datetime import UTC, datetime

from modelstream_crds.v1alpha1 import ConditionType, ModelStreamStatus
from modelstream_operator.decide.decision import Decision
from modelstream_operator.decide.diagnosis import Verified
from modelstream_operator.decide.facts import Facts
from modelstream_operator.decide.job import Job
from modelstream_operator.decide.memory import Ended, How, Memory, Step
from modelstream_operator.decide.problem import Problem, Reason
from modelstream_operator.decide.stored import Kind, Stored
from modelstream_operator.resources import Manifest

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)
DEPLOYED = Memory(Step.DEPLOYED, run=1, job_id="a", revision="x")
CHECKPOINT = Stored("s3://state/chk-3", Kind.CHECKPOINT)
QUOTA = Problem(ConditionType.JOB_RUNNING, Reason.QUOTA, "x")
WELL = Facts(
    generation=3,
    now=NOW,
    decision=Decision(DEPLOYED),
    job=Job("RUNNING", running=2, total=2),
    replicas=2,
    pods=2,
    scheduled=2,
    ready=2,
    models={"fraud": "pvc://models/fraud"},
    verified={"fraud": Verified("sha256:a", ("serving_default",))},
    selector="a=b",
)
TOLD = replace(WELL, first={"fraud": "sha256:a"})
NO_MODELS = replace(WELL, models={}, verified={})
BEFORE = ModelStreamStatus()


def condition(status: Manifest, kind: ConditionType) -> Manifest:
    found: Manifest = next(each for each in status["conditions"] if each["type"] == kind)
    return found


def ended(how: How, **values: object) -> Facts:
    end = Ended(1, "a", how, NOW, CHECKPOINT, "boom")
    decision = Decision(replace(DEPLOYED, step=Step.ENDED, ended=end))
    return replace(WELL, decision=decision, **values)  # type: ignore[arg-type]  # of Facts
