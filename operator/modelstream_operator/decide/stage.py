"""What the life cycle says by itself, before any pod is looked at. Pure."""

from dataclasses import dataclass
from datetime import datetime

from modelstream_operator.decide.decision import Decision, Rest
from modelstream_operator.decide.fields import stamp
from modelstream_operator.decide.laststate import handed_on
from modelstream_operator.decide.memory import Ended, How, Memory, Step
from modelstream_operator.decide.problem import Reason

_GO_ON = "an edit, or another restartNonce, goes on from there"


@dataclass(frozen=True)
class Says:
    """A condition without its times."""

    status: str
    reason: str
    message: str = ""


def stage(
    decision: Decision, rest: Rest | None = None, overdue: str = "", blocked_by: str = ""
) -> Says | None:
    """Why the stream is not, or not only, running; None of one that should be Ready."""
    if decision.waiting is not None:
        return Says("False", decision.waiting.reason, decision.waiting.message)
    memory = decision.memory
    match memory.step:
        case Step.SAVEPOINTING:
            return Says("False", Reason.SAVEPOINTING, "the job stops with a savepoint")
        case Step.TEARING_DOWN if overdue:
            return Says("False", Reason.POD_NOT_ENDING, overdue)
        case Step.TEARING_DOWN:
            waits = "waiting for the pods of the run before to end"
            return Says("False", Reason.TEARING_DOWN, waits)
        case Step.BACKING_OFF:
            return Says("False", Reason.BACKING_OFF, _begins_again(memory))
        case Step.SUSPENDED:
            return _resting(memory, rest, blocked_by)
        case Step.ENDED if memory.ended is not None:
            return _end(memory.ended)
        case Step.DELETING:
            return Says("False", Reason.DELETING, overdue or "waiting for the pods to end")
    return None


def _begins_again(memory: Memory) -> str:
    cause = (memory.ended.error if memory.ended else "") or "the JobManager submitted no job"
    when = _clock(memory.deadline)
    return f"start {memory.run} came to nothing: {cause}; the next one begins at {when}"


def _clock(time: datetime | None) -> str:
    return stamp(time) or "once"


def _resting(memory: Memory, rest: Rest | None, blocked_by: str) -> Says:
    reason, why = Reason.SUSPENDED, "spec.suspend is true"
    if rest is Rest.SCALED_TO_ZERO:
        reason = Reason.SCALED_TO_ZERO
        why = "spec.flink.taskManager.replicas is 0: any other number resumes"
    if blocked_by:
        why = f"it was suspended, and goes on once its spec can be worked with: {blocked_by}"
    left = handed_on(memory)
    if memory.ended is None:
        then = "nothing has been started"
    elif left is None:
        then = "the job has ended without state, and begins anew"
    else:
        then = f"it goes on from {left.named}"
    return Says("False", reason, f"{why}; {then}")


def _end(ended: Ended) -> Says:
    left = f"it left {ended.left.named}" if ended.left else "it left no state"
    match ended.how:
        case How.FINISHED:
            return Says("False", Reason.FINISHED, "the job has read all of its input")
        case How.FAILED:
            cause = ended.error or "Flink names no cause"
            return Says("False", Reason.JOB_FAILED, f"{cause}; {left}: {_GO_ON}")
        case How.CANCELED:
            return Says("False", Reason.CANCELED, f"somebody cancelled it; {left}: {_GO_ON}")
    return Says("False", Reason.STOPPED, f"somebody stopped it; {left}: {_GO_ON}")
