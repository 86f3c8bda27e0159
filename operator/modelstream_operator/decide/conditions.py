"""What status says: conditions with stable reasons, and the phase that follows from them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from modelstream_crds.v1alpha1 import ConditionType, ModelStreamStatus, Phase
from modelstream_operator.decide.diagnosis import Verified
from modelstream_operator.decide.lifecycle import Decision, Job, Memory, Step, Waiting
from modelstream_operator.decide.problem import Problem, Reason
from modelstream_operator.render.gpu import CHECK
from modelstream_operator.resources import Manifest

MESSAGE_LIMIT = 4000

_MAY_PASS = {
    Reason.UNSCHEDULABLE,
    Reason.INSUFFICIENT_GPU,
    Reason.NO_MATCHING_NODE,
    Reason.CLAIM_NOT_FOUND,
    Reason.CLAIM_NOT_BOUND,
    Reason.SECRET_NOT_FOUND,
    Reason.CONFIG_MAP_NOT_FOUND,
    Reason.QUOTA,
}
"""Causes that may go away without an edit: the phase stays Pending."""

_TRIES_AGAIN = {"CREATED", "INITIALIZING", "RUNNING", "FAILING", "RESTARTING"}
"""States that a job passes through between a failure and its next one: status calls them one."""


@dataclass(frozen=True)
class Facts:
    """All that status is made from."""

    generation: int
    now: datetime
    decision: Decision
    refusal: str | None = None
    """Why the spec is not accepted."""
    problems: Sequence[Problem] = ()
    job: Job | None = None
    failure: str = ""
    """The root cause of the job's newest failure."""
    replicas: int = 0
    pods: int = 0
    """TaskManager pods that exist."""
    scheduled: int = 0
    ready: int = 0
    models: Mapping[str, str] = field(default_factory=dict)
    """URI of each model."""
    verified: Mapping[str, Verified] = field(default_factory=dict)
    gpu: bool = False
    gpu_checked: bool = True
    """False where the podTemplate turns the check off."""
    selector: str = ""
    overdue: str = ""
    """Pods that should have ended, and do not."""


@dataclass(frozen=True)
class _Says:
    status: str
    reason: str
    message: str = ""


def status_of(facts: Facts, before: ModelStreamStatus) -> Manifest:
    """The whole status; equal facts give an equal one."""
    said = _conditions(facts, before)
    memory = facts.decision.memory
    status: Manifest = {
        "observedGeneration": facts.generation,
        "phase": _phase(facts, said).value,
        "conditions": [_condition(type_, says, facts, before) for type_, says in said.items()],
        "models": [_model(facts, name, uri, before) for name, uri in facts.models.items()],
        "taskManager": {
            "replicas": facts.pods,
            "readyReplicas": facts.ready,
            "selector": facts.selector,
        },
        "upgrade": _given(deployedHash=memory.deployed, targetHash=memory.target, step=memory.step),
    }
    if memory.run:
        status["run"] = memory.run
    if memory.job_id:
        status["job"] = _job(facts, memory)
    if memory.savepoint:
        saved = memory.savepoint
        status["savepoint"] = _given(
            triggerId=saved.trigger_id, jobId=saved.job_id, path=saved.path, time=saved.time
        )
    return status


def refused_status(status: Manifest, facts: Facts, before: ModelStreamStatus) -> Manifest:
    """The status of a spec that is not accepted: the running job is as it was."""
    says = {
        ConditionType.ACCEPTED: _Says("False", "InvalidSpec", facts.refusal or ""),
        ConditionType.READY: _Says("False", "InvalidSpec", facts.refusal or ""),
    }
    kept = [each for each in status.get("conditions", ()) if each["type"] not in says]
    mine = [_condition(type_, each, facts, before) for type_, each in says.items()]
    phase = status.get("phase") if facts.decision.memory.job_id else None
    return {
        **status,
        "observedGeneration": facts.generation,
        "phase": phase or Phase.FAILED.value,
        "conditions": mine + kept,
    }


def _conditions(facts: Facts, before: ModelStreamStatus) -> dict[ConditionType, _Says]:
    parts = {
        ConditionType.ACCEPTED: _Says("True", "Accepted"),
        ConditionType.MODELS_AVAILABLE: _available(facts, before),
        **({ConditionType.GPU_AVAILABLE: _gpu(facts)} if facts.gpu else {}),
        ConditionType.JOB_RUNNING: _running(facts, before),
        ConditionType.MODELS_LOADED: _loaded(facts),
    }
    return {ConditionType.READY: _ready(facts, parts), **parts}


def _ready(facts: Facts, parts: Mapping[ConditionType, _Says]) -> _Says:
    if (stage := _stage(facts)) is not None:
        return stage
    if facts.problems:
        worst = facts.problems[0]
        return _Says("False", worst.reason, worst.message)
    for says in parts.values():
        if says.status != "True":
            return _Says("False", says.reason, says.message)
    state = "has the models loaded" if facts.models else "is ready"
    return _Says("True", "Ready", f"all tasks run and every TaskManager {state}")


def _stage(facts: Facts) -> _Says | None:
    """What the life cycle says by itself, before any pod is looked at."""
    match facts.decision:
        case Decision(waiting=Waiting(reason, message)):
            return _Says("False", reason, message)
        case Decision(memory=Memory(step=Step.SAVEPOINTING)):
            return _Says("False", "Savepointing", "the job stops with a savepoint")
        case Decision(memory=Memory(step=Step.TEARING_DOWN)) if facts.overdue:
            return _Says("False", Reason.POD_NOT_ENDING, facts.overdue)
        case Decision(memory=Memory(step=Step.TEARING_DOWN)):
            return _Says("False", "TearingDown", "waiting for the pods of the stopped job to end")
        case Decision(memory=Memory(step=Step.SUSPENDED)):
            return _Says("False", "Suspended", "spec.suspend is true")
        case Decision(memory=Memory(step=Step.FINISHED)):
            return _Says("False", "JobFinished", "the job has read all of its input")
    return None


def _problem(facts: Facts, about: ConditionType) -> _Says | None:
    for each in facts.problems:
        if each.about == about:
            return _Says("False", each.reason, each.message)
    return None


def _available(facts: Facts, before: ModelStreamStatus) -> _Says:
    """What was read in pods that have ended well stays true."""
    for old in before.conditions if facts.decision.memory.step is Step.FINISHED else ():
        if old.type == ConditionType.MODELS_AVAILABLE:
            return _Says(old.status, old.reason, old.message)
    if (problem := _problem(facts, ConditionType.MODELS_AVAILABLE)) is not None:
        return problem
    if not facts.models:
        return _Says("True", "NoModels", "spec.models is empty: the program brings its models")
    missing = [name for name in facts.models if name not in facts.verified]
    if not missing:
        return _Says("True", "Verified", "digests and signatures were read in the pods")
    return _Says("Unknown", "Waiting", f"not yet read in a pod: {', '.join(missing)}")


def _gpu(facts: Facts) -> _Says:
    if (problem := _problem(facts, ConditionType.GPU_AVAILABLE)) is not None:
        return problem
    if facts.replicas and facts.scheduled >= facts.replicas:
        placed = "every TaskManager is on a node with its GPUs"
        if facts.gpu_checked:
            return _Says("True", "Allocated", placed)
        return _Says(
            "True", "NotChecked", f"{placed}; {CHECK}=Off: nobody asks whether it sees them"
        )
    return _Says("Unknown", "Waiting", f"{facts.scheduled}/{facts.replicas} TaskManagers placed")


def _running(facts: Facts, before: ModelStreamStatus) -> _Says:
    if (stage := _stage(facts)) is not None:
        return stage
    if (problem := _problem(facts, ConditionType.JOB_RUNNING)) is not None:
        return problem
    job = facts.job
    if job is None:
        return _Says("False", "Starting", "the JobManager has no job to show yet")
    if job.all_running and (job.settled or not facts.failure or _ran(before)):
        return _Says("True", "Running", "all tasks run")
    if facts.failure:
        state = "RESTARTING" if job.state in _TRIES_AGAIN else job.state
        return _Says("False", f"Job{state.capitalize()}", facts.failure)
    return _Says("False", f"Job{job.state.capitalize()}", f"{_tasks(job)} tasks run")


def _ran(before: ModelStreamStatus) -> bool:
    """Whether the job was seen to run last: a task that ends meanwhile is not a failure."""
    return any(
        old.type == ConditionType.JOB_RUNNING and old.status == "True" for old in before.conditions
    )


def _loaded(facts: Facts) -> _Says:
    if not facts.decision.running and (stage := _stage(facts)) is not None:
        return stage
    if (problem := _problem(facts, ConditionType.MODELS_LOADED)) is not None:
        return problem
    if facts.replicas and facts.ready >= facts.replicas:
        if not facts.models:
            return _Says("True", "NoModels", "every TaskManager is ready; spec.models is empty")
        return _Says("True", "Loaded", "every TaskManager has the models loaded and warm")
    state = "have the models loaded" if facts.models else "are ready"
    message = f"{facts.ready}/{facts.replicas} TaskManagers {state}"
    return _Says("False", "Loading", message)


def _phase(facts: Facts, said: Mapping[ConditionType, _Says]) -> Phase:
    match facts.decision.memory.step:
        case Step.SUSPENDED:
            return Phase.SUSPENDED
        case Step.FINISHED:
            return Phase.FINISHED
        case Step.SAVEPOINTING | Step.TEARING_DOWN:
            return Phase.UPDATING
    if said[ConditionType.READY].status == "True":
        return Phase.RUNNING
    if facts.problems:
        return Phase.PENDING if facts.problems[0].reason in _MAY_PASS else Phase.FAILED
    if facts.job and facts.job.state == "FAILED":
        return Phase.FAILED
    if not facts.pods:
        return Phase.PENDING
    available = said[ConditionType.MODELS_AVAILABLE].status == "True"
    return Phase.STARTING if available else Phase.PREPARING


def _condition(
    type_: ConditionType, says: _Says, facts: Facts, before: ModelStreamStatus
) -> Manifest:
    """The time of the last transition is kept until the status flips."""
    since = facts.now.isoformat(timespec="seconds").replace("+00:00", "Z")
    for old in before.conditions:
        if old.type == type_ and old.status == says.status:
            since = old.last_transition_time
    return {
        "type": type_.value,
        "status": says.status,
        "reason": says.reason,
        "message": says.message[:MESSAGE_LIMIT],
        "observedGeneration": facts.generation,
        "lastTransitionTime": since,
    }


def _model(facts: Facts, name: str, uri: str, before: ModelStreamStatus) -> Manifest:
    """A digest that was read once stays, as long as the address is the same."""
    entry: Manifest = {"name": name, "uri": uri, "loadedTaskManagers": facts.ready}
    if (found := facts.verified.get(name)) is not None:
        return {**entry, "digest": found.digest, "signatures": list(found.signatures)}
    for old in before.models:
        if old.name == name and old.uri == uri and old.digest:
            return {**entry, "digest": old.digest, "signatures": list(old.signatures)}
    return entry


def _job(facts: Facts, memory: Memory) -> Manifest:
    job = facts.job
    return _given(
        id=memory.job_id,
        state="FINISHED" if memory.step is Step.FINISHED else job.state if job else None,
        startTime=memory.started,
        tasks=_tasks(job) if job else None,
    )


def _tasks(job: Job) -> str:
    return f"{job.running + job.finished}/{job.total}"


def _given(**values: object) -> Manifest:
    return {key: value for key, value in values.items() if value}
