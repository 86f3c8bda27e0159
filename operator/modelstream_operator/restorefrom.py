"""What ``spec.state.restoreFrom`` comes to for a stream: where its next run begins."""

from modelstream_crds.v1alpha1 import ConditionType, ModelStream, RestoreFrom
from modelstream_operator.decide.acceptance import SpecRefusedError, accepted
from modelstream_operator.decide.decision import Restore
from modelstream_operator.decide.laststate import handed_on
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.problem import Problem, Reason
from modelstream_operator.decide.status import read
from modelstream_operator.decide.stored import Stored, newest_of_all
from modelstream_operator.render import Target
from modelstream_operator.render.config import CHECKPOINTS, PVC, flink_options, mounted, storage_of
from modelstream_operator.resources import Manifest

_AT_REST = {Step.SUSPENDED, Step.ENDED}


def wished(stream: ModelStream | None, memory: Memory) -> RestoreFrom | None:
    """What counts: at the first start, and with a nonce that is greater than all before."""
    state = stream.spec.state if stream else None
    asked = state.restore_from if state else None
    first = memory.has_never_begun
    if asked is None or (not first and asked.nonce <= memory.restore_nonce):
        return None
    return asked


def other_stream(stream: ModelStream | None, memory: Memory) -> str | None:
    """The name of the stream whose state is to be taken."""
    asked = wished(stream, memory)
    return asked.model_stream if asked else None


def restore_of(target: Target, other: Manifest | None, memory: Memory) -> Restore | Problem | None:
    """What the next run begins with; a problem where that is not there yet.

    ``other`` is the ModelStream that is named, where there is one of that name.
    """
    asked = wished(target.stream, memory)
    if asked is None:
        return None
    if asked.nothing:
        return Restore(asked.nonce, None)
    if asked.newest:
        return Restore(asked.nonce, newest_of_all(flink_options(target)[CHECKPOINTS]))
    if asked.path is not None:
        path = mounted(asked.path.rstrip("/"), storage_of(target.stream))
        return Restore(asked.nonce, Stored.at(path))
    assert asked.model_stream is not None
    found = _left_by(asked.model_stream, other, target)
    return found if isinstance(found, Problem) else Restore(asked.nonce, found)


def _left_by(name: str, other: Manifest | None, target: Target) -> Stored | Problem:
    """What a stream that does not run has left."""
    if other is None:
        return _problem(name, "does not exist: create it, or correct the name")
    if name == target.name:
        return _problem(name, "is this one: write newest: true, or the path of what it left")
    try:
        stream = accepted(other)
    except SpecRefusedError as error:
        return _problem(name, f"cannot be read: {error}")
    theirs, mine = storage_of(stream), storage_of(target.stream)
    on_a_claim = theirs.startswith(PVC) or mine.startswith(PVC)
    if on_a_claim and theirs != mine:
        text = f"has its state in {theirs or 'no place'}, which pods with {mine} do not mount"
        return _problem(name, f"{text}: write the same spec.state.storage")
    memory = Memory.of(read(other.get("status", {})))
    if memory.step not in _AT_REST:
        return _problem(name, "is not suspended: set its spec.suspend, its savepoint is taken then")
    left = handed_on(memory)
    return left or _problem(name, "has left neither a savepoint nor a checkpoint")


def _problem(name: str, text: str) -> Problem:
    where = f"spec.state.restoreFrom.modelStream: ModelStream {name} {text}"
    return Problem(ConditionType.JOB_RUNNING, Reason.STATE_NOT_THERE, where)
