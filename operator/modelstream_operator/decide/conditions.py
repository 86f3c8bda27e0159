"""What status says: conditions with stable reasons. Pure."""

from collections.abc import Mapping

from modelstream_crds.names import GPU_CHECK
from modelstream_crds.v1alpha1 import ConditionType, ModelStreamStatus
from modelstream_operator.decide import proving, rolledback
from modelstream_operator.decide.decision import Answer
from modelstream_operator.decide.facts import Facts
from modelstream_operator.decide.job import Job, JobState, reason_of
from modelstream_operator.decide.memory import Step
from modelstream_operator.decide.problem import Reason
from modelstream_operator.decide.stage import Says

_TRIES_AGAIN = {
    JobState.CREATED,
    JobState.INITIALIZING,
    JobState.RUNNING,
    JobState.FAILING,
    JobState.RESTARTING,
}
"""States that a job passes through between a failure and its next one: status calls them one."""


def conditions(facts: Facts, before: ModelStreamStatus) -> dict[ConditionType, Says]:
    """Ready, and what it depends on."""
    parts = {
        ConditionType.MODELS_AVAILABLE: _available(facts, before),
        **({ConditionType.GPU_AVAILABLE: _gpu(facts)} if facts.gpu else {}),
        ConditionType.JOB_RUNNING: _running(facts, before),
        ConditionType.MODELS_LOADED: _loaded(facts),
    }
    accepted = Says("True", Reason.ACCEPTED)
    if facts.refusal is not None:
        accepted = Says("False", Reason.INVALID_SPEC, facts.refusal)
    said = {ConditionType.READY: _ready(facts, parts), ConditionType.ACCEPTED: accepted, **parts}
    said[ConditionType.UPDATED] = _updated(facts)
    if (says := rolledback.says(facts.decision.memory)) is not None:
        said[ConditionType.ROLLED_BACK] = says
    if facts.outdated:
        said[ConditionType.OUTDATED] = Says("True", Reason.OPERATOR_CHANGED, _rollout(facts))
    if facts.parallelism is not None and facts.decision.memory.step is Step.DEPLOYED:
        said[ConditionType.SCALED] = _scaled(facts)
    return said


def _rollout(facts: Facts) -> str:
    """When what the operator itself renders otherwise is taken."""
    if not facts.updated:
        return "its turn has come: it is restarted with what this operator renders"
    then = "when its turn comes" if facts.awaits_turn else "at the next restart"
    if facts.awaits_turn and facts.comes_first:
        then += f" ({facts.comes_first} comes first, until that has been Ready for a minute)"
    return f"what this operator renders is taken {then}; another restartNonce does so now"


def _ready(facts: Facts, parts: Mapping[ConditionType, Says]) -> Says:
    worst = facts.problems[0] if facts.problems else None
    if (says := facts.stage) is not None:
        also = f"; {worst.reason}: {worst.message}" if worst else ""
        return Says(says.status, says.reason, says.message + also)
    if facts.refusal is not None and not facts.decision.memory.run:
        return Says("False", Reason.INVALID_SPEC, facts.refusal)
    if worst:
        return Says("False", worst.reason, worst.message)
    for says in parts.values():
        if says.status != "True":
            return Says("False", says.reason, says.message)
    state = "has the models loaded" if facts.models else "is ready"
    return Says("True", Reason.READY, f"all tasks run and every TaskManager {state}")


def _problem(facts: Facts, about: ConditionType) -> Says | None:
    for each in facts.problems:
        if each.about == about:
            return Says("False", each.reason, each.message)
    return None


def _kept(about: ConditionType, before: ModelStreamStatus) -> Says | None:
    for old in before.conditions:
        if old.type == about:
            return Says(old.status, old.reason, old.message)
    return None


def _available(facts: Facts, before: ModelStreamStatus) -> Says:
    """What was read in pods that have ended stays true."""
    old = _kept(ConditionType.MODELS_AVAILABLE, before)
    if old and facts.decision.memory.step is Step.ENDED:
        return old
    if (problem := _problem(facts, ConditionType.MODELS_AVAILABLE)) is not None:
        return problem
    if not facts.models:
        return Says("True", Reason.NO_MODELS, "spec.models is empty: the program brings its models")
    missing = [name for name in facts.models if name not in facts.verified]
    if not missing:
        return Says("True", Reason.VERIFIED, "digests and signatures were read in the pods")
    return Says("Unknown", Reason.WAITING, f"not yet read in a pod: {', '.join(missing)}")


def _gpu(facts: Facts) -> Says:
    if (problem := _problem(facts, ConditionType.GPU_AVAILABLE)) is not None:
        return problem
    if facts.replicas and facts.scheduled >= facts.replicas:
        placed = "every TaskManager is on a node with its GPUs"
        if facts.gpu_checked:
            return Says("True", Reason.ALLOCATED, placed)
        unchecked = f"{placed}; {GPU_CHECK}=Off: nobody asks whether it sees them"
        return Says("True", Reason.NOT_CHECKED, unchecked)
    placed = f"{facts.scheduled}/{facts.replicas} TaskManagers placed"
    return Says("Unknown", Reason.WAITING, placed)


def _running(facts: Facts, before: ModelStreamStatus) -> Says:
    if not facts.decision.running and (says := facts.stage) is not None:
        return says
    job, old = facts.job, _kept(ConditionType.JOB_RUNNING, before)
    if job and job.all_running and (job.settled or not facts.failure or _is_true(old)):
        return Says("True", Reason.RUNNING, "all tasks run")
    if (problem := _problem(facts, ConditionType.JOB_RUNNING)) is not None:
        return problem
    if facts.passing and old is not None:
        return old
    if facts.answer is Answer.SILENT:
        last = f" (it was {before.job.state})" if before.job and before.job.state else ""
        message = f"the JobManager is ready and does not answer: how the job is{last} is not known"
        return Says("Unknown", Reason.UNREACHABLE, message)
    if job is None:
        message = facts.failure or "the JobManager has no job to show yet"
        return Says("False", Reason.STARTING, message)
    if job.state == JobState.CREATED and facts.ready < facts.replicas:
        waits = f"{facts.ready}/{facts.replicas} TaskManagers are ready: the job waits for them"
        return Says("False", Reason.WAITING_FOR_RESOURCES, waits)
    if facts.failure:
        state = JobState.RESTARTING if job.state in _TRIES_AGAIN else job.state
        return Says("False", reason_of(state), facts.failure)
    return Says("False", reason_of(job.state), f"{tasks(job)} tasks run")


def _is_true(says: Says | None) -> bool:
    return says is not None and says.status == "True"


def _loaded(facts: Facts) -> Says:
    if not facts.decision.running and (says := facts.stage) is not None:
        return says
    if (problem := _problem(facts, ConditionType.MODELS_LOADED)) is not None:
        return problem
    if facts.replicas and facts.ready >= facts.replicas:
        if not facts.models:
            message = "every TaskManager is ready; spec.models is empty"
            return Says("True", Reason.NO_MODELS, message)
        return Says("True", Reason.LOADED, "every TaskManager has the models loaded and warm")
    state = "have the models loaded" if facts.models else "are ready"
    message = f"{facts.ready}/{facts.replicas} TaskManagers {state}"
    return Says("False", Reason.LOADING, message)


def _updated(facts: Facts) -> Says:
    if facts.refusal is not None:
        return Says("False", Reason.INVALID_SPEC, facts.refusal)
    if facts.missing:
        return Says("False", facts.missing.reason, facts.missing.message)
    if facts.updated:
        return Says("True", Reason.UP_TO_DATE, f"what runs was made from this spec{_once(facts)}")
    if facts.held and (says := rolledback.of_the_newest(facts.decision.memory)) is not None:
        return says
    says = facts.stage
    if facts.proving is not None:
        return proving.says(facts.proving, facts.proof, facts.decision.memory.deadline)
    if says is None:
        return Says("False", Reason.STARTING, "the run before makes room")
    return Says("False", says.reason, says.message)


def _once(facts: Facts) -> str:
    if not facts.has_restore_from:
        return ""
    used = facts.decision.memory.restore_nonce
    return f"; spec.state.restoreFrom counts again with a nonce above {used}"


def _scaled(facts: Facts) -> Says:
    memory = facts.decision.memory
    if facts.parallelism == memory.parallelism:
        return Says("True", Reason.SCALED, f"the job has parallelism {memory.parallelism}")
    wish = f"from parallelism {memory.parallelism} to {facts.parallelism}"
    if facts.refused_scale:
        return Says("False", Reason.SCALE_REFUSED, f"{wish}: {facts.refused_scale}")
    return Says("Unknown", Reason.WAITING, wish)


def tasks(job: Job) -> str:
    """Tasks that run or have ended well, of all."""
    return f"{job.running + job.finished}/{job.total}"
