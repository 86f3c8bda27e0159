"""A change that is overtaken by another one while the job stops for it. Pure.

The other one is proven as well. Nothing runs meanwhile, so that it is not waited for long: else
starts what was proven before, or what ran.
"""

from dataclasses import dataclass, replace
from datetime import timedelta

from modelstream_operator.decide.decision import Seen, Wanted
from modelstream_operator.decide.memory import Memory
from modelstream_operator.decide.news import EventReason, News
from modelstream_operator.decide.prepared import Prepared
from modelstream_operator.decide.proving import begun, is_prepared, is_proven, prove

HURRY = timedelta(minutes=2)
"""How long a job that has stopped waits for the proof of another change."""


@dataclass(frozen=True)
class Start:
    """What the next run is."""

    wanted: Wanted
    run: int
    job_id: str
    prepared: Prepared | None = None
    """What goes on being proven beside it, or could not be."""
    news: tuple[News, ...] = ()


def is_overtaken(memory: Memory, wanted: Wanted) -> bool:
    """Whether, with the job stopped for what was proven, something else is asked for by now."""
    prepared = memory.prepared
    rests = wanted.rest is not None or memory.goes_back
    if prepared is None or rests or not wanted.restart:
        return False
    if wanted.revision == prepared.instead and wanted.restore is None:
        return False
    return bool(prepared.instead) or (prepared.proven and not is_prepared(memory, wanted))


def proved_again(memory: Memory, wanted: Wanted, seen: Seen) -> tuple[Memory, tuple[News, ...]]:
    """Begin the proof of what is asked for by now, or note how it went."""
    prepared = memory.prepared
    if prepared is None or not is_overtaken(memory, wanted):
        return memory, ()
    if is_prepared(memory, wanted):
        return (memory, ()) if prepared.error else prove(memory, wanted, seen)
    memory = begun(memory, wanted, seen, attempts=0)
    assert memory.prepared is not None
    # The number before its own is left for what starts instead: numbers only grow.
    other = replace(
        memory.prepared, run=memory.prepared.run + 1, instead=_instead(memory, prepared)
    )
    return replace(memory, prepared=other, deadline=seen.now + HURRY), ()


def start(memory: Memory, wanted: Wanted, seen: Seen) -> Start | None:
    """What the next run is; None as long as that is not known."""
    prepared = memory.prepared
    highest = max(memory.run, seen.last_run, prepared.run if prepared else 0)
    if prepared is None or not is_overtaken(memory, wanted):
        if prepared is not None and is_prepared(memory, wanted):
            return Start(wanted, prepared.run, prepared.job_id)
        return Start(wanted, highest + 1, seen.fresh_id)
    if is_proven(memory, wanted, seen):
        return Start(wanted, prepared.run, prepared.job_id)
    waits = memory.deadline is not None and seen.now < memory.deadline
    found = (each for each in (prepared.instead, memory.revision) if each in wanted.startable)
    revision = next(found, None)
    if revision is None or (waits and not prepared.error):
        return None
    other = replace(
        wanted,
        revision=revision,
        restore=None,
        keeps_state=True,
        begins_with=wanted.startable[revision],
    )
    left = replace(prepared, instead=revision)
    news = (_told(memory, prepared, revision),)
    return Start(other, prepared.run - 1, seen.fresh_id, left, news)


def _instead(memory: Memory, before: Prepared) -> str:
    """What was proven; what is to begin with a chosen state can only be asked for again."""
    if before.proven and not before.choice:
        return before.revision
    return before.instead or memory.revision


def _told(memory: Memory, prepared: Prepared, revision: str) -> News:
    proven = revision == prepared.instead != memory.revision
    which = "the change before it, which is proven" if proven else "what ran before"
    cause = prepared.error or f"not within {round(HURRY.total_seconds() / 60)} minutes"
    text = (
        f"the newest change came while the job stopped, and is not proven ({cause}): run"
        f" {prepared.run - 1} is {which}, revision {revision}"
    )
    return News(EventReason.STARTED_INSTEAD, text, warns=True)
