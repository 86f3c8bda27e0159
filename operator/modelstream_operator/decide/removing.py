"""When what ended runs left in the store may go: a later run needs none of it. Pure."""

from dataclasses import replace

from modelstream_operator.decide.decision import Decision, Seen, Wanted
from modelstream_operator.decide.memory import How, Memory, Step
from modelstream_operator.decide.news import EventReason, News
from modelstream_operator.decide.remains import Remains, with_one


def recorded(memory: Memory, wanted: Wanted) -> tuple[Remains, ...]:
    """With what the run before has left, as another one begins."""
    ended, checkpoints = memory.ended, wanted.checkpoints
    if checkpoints is None or ended is None or ended.run != memory.run:
        return memory.remains
    if ended.how is How.NOT_STARTED:
        return memory.remains
    root = checkpoints.rpartition("/")[0]
    return with_one(memory.remains, Remains(memory.run, memory.job_id, root))


def removable(memory: Memory, seen: Seen) -> tuple[Remains, ...]:
    """What may go: the run has been Ready, and has completed a checkpoint since.

    Flink claims nothing of what a job begins with, so that this checkpoint refers to none of it.
    What the run left aside is another way to begin, and stays, as does what other streams name.
    """
    if memory.step is not Step.DEPLOYED or memory.goes_back or not seen.outlives:
        return ()
    rollback = memory.rollback
    aside = [memory.previous, rollback.previous if rollback else None]
    paths = [each.path for each in aside if each is not None]
    return tuple(
        each
        for each in memory.remains
        if each.job_id != memory.job_id and not any(map(each.hold, paths))
    )


def sent(memory: Memory, seen: Seen) -> tuple[Remains, ...]:
    """What a pod is to remove now, once it is known that no other stream needs it."""
    if seen.spared is None:
        return ()
    return tuple(each for each in removable(memory, seen) if each.job_id not in seen.spared)


def noted(memory: Memory, seen: Seen) -> Decision:
    """With what the pod has done, or why it could not."""
    swept = seen.swept
    if swept is None or not any(each.job_id in swept.jobs for each in memory.remains):
        return Decision(memory)
    if not swept.error:
        others = (each for each in memory.remains if each.job_id not in swept.jobs)
        return Decision(replace(memory, remains=tuple(others)))
    failed = tuple(
        replace(each, error=swept.error) if each.job_id in swept.jobs else each
        for each in memory.remains
    )
    if failed == memory.remains:
        return Decision(memory)
    text = f"files of runs that have ended stay ({swept.error}); it is tried again"
    news = News(EventReason.REMAINS_NOT_REMOVED, text, warns=True)
    return Decision(replace(memory, remains=failed), news=(news,))
