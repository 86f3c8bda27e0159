"""Times that were written by a clock which was ahead of ours, or before ours went back. Pure."""

from dataclasses import replace
from datetime import datetime

from modelstream_operator.decide.memory import Memory


def not_ahead(memory: Memory, now: datetime) -> Memory:
    """The same, with nothing that begins later than now: waits are as long as they were to be."""
    since, deadline = _moved(memory.since, memory.deadline, now)
    memory = replace(memory, since=since, deadline=deadline)
    if (ask := memory.ask) is not None:
        idle = min(ask.idle, now) if ask.idle else None
        memory = replace(memory, ask=replace(ask, since=min(ask.since, now), idle=idle))
    if (prepared := memory.prepared) is not None:
        since, deadline = _moved(prepared.since, prepared.deadline, now)
        prepared = replace(prepared, since=since or now, deadline=deadline)
        memory = replace(memory, prepared=prepared)
    return memory


def _moved(
    since: datetime | None, deadline: datetime | None, now: datetime
) -> tuple[datetime | None, datetime | None]:
    if since is None or since <= now:
        return since, deadline
    return now, now + (deadline - since) if deadline else None
