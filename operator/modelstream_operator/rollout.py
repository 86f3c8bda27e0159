"""Whose turn it is to be restarted, where a newer operator renders the pods otherwise. Pure.

One stream at a time: the next only after the last has been Ready for a minute. So a change of the
operator that does not work stops at the first stream. Nothing has to be remembered for that: an
operator that starts in the midst of it reads the same from what the streams say.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import Enum

from modelstream_crds.v1alpha1 import ConditionType, ModelStreamStatus
from modelstream_operator.decide import fields
from modelstream_operator.decide.memory import How, Memory, Step
from modelstream_operator.resources import Key
from modelstream_operator.wish import Wish

QUIET = timedelta(minutes=1)
"""How long the last one has to be Ready, and how long an operator looks round first."""

_BETWEEN = {Step.SAVEPOINTING, Step.TEARING_DOWN, Step.BACKING_OFF}


class Place(Enum):
    """Of a stream in the rollout."""

    WAITS = "waits for its turn"
    MOVES = "between the run that an older operator has made, and the next"
    RUNS = "made by this operator"
    APART = "not restarted by itself, and no obstacle: it does not run, or would lose its state"


@dataclass(frozen=True)
class Standing:
    """What of a stream counts for the others."""

    place: Place
    began: datetime | None = None
    """Its present step."""
    ready_since: datetime | None = None

    @classmethod
    def of(cls, asked: Wish, memory: Memory, status: ModelStreamStatus) -> "Standing":
        """From what is asked of it, and what it was the last time."""
        since = _ready_since(status)
        return cls(_place(asked, memory, ready=since is not None), memory.since, since)


@dataclass
class Rollout:
    """All streams that are served, as they were the last time that each was looked at."""

    streams: dict[Key, Standing] = field(default_factory=dict)
    begun: datetime | None = None
    """When the first of them was looked at."""
    last: Key | None = None
    """Whose turn it was last."""

    def has_turn(self, key: Key, standing: Standing, now: datetime) -> bool:
        """Whether a stream is to be restarted now."""
        self.streams[key] = standing
        self.begun = min(self.begun or now, now)
        if key == self.last and standing.place is Place.MOVES:
            return True
        if standing.place is not Place.WAITS or now - self.begun < QUIET:
            return False
        if self.comes_first(key, now) is not None:
            return False
        self.last = key
        return True

    def comes_first(self, key: Key, now: datetime) -> Key | None:
        """Another stream that has to be well before this one is restarted."""
        waiting = [other for other, each in self.streams.items() if each.place is Place.WAITS]
        turn = self.last if self.last in waiting else min(waiting, default=key)
        return next((other for other in (*self._obstacles(now), turn) if other != key), None)

    def forget(self, key: Key) -> None:
        """It is no longer served here."""
        self.streams.pop(key, None)

    def _obstacles(self, now: datetime) -> Iterator[Key]:
        """Streams that come first: each that moves, and the last one until it is well."""
        yield from (key for key, each in self.streams.items() if each.place is Place.MOVES)
        last = self._last()
        if last is not None and self.streams[last].place is Place.RUNS:
            since = self.streams[last].ready_since
            if since is None or timedelta() <= now - since < QUIET:
                yield last

    def _last(self) -> Key | None:
        """Whose turn it was; where nobody knows, the one whose run is the youngest."""
        if self.last in self.streams:
            return self.last
        began = {key: each.began for key, each in self.streams.items() if each.began}
        runs = [key for key in began if self.streams[key].place is Place.RUNS]
        return max(runs, key=lambda key: began[key], default=None)


def _place(asked: Wish, memory: Memory, *, ready: bool) -> Place:
    wanted, ended = asked.wanted, memory.ended
    if wanted.deletion is not None or wanted.rest is not None or not memory.run:
        return Place.APART
    if not asked.outdated:
        failed = memory.step is Step.ENDED and ended is not None and ended.how is How.FAILED
        goes_on = failed or memory.step in {Step.DEPLOYED, *_BETWEEN}
        return Place.RUNS if goes_on else Place.APART
    if memory.step in _BETWEEN:
        return Place.MOVES
    well = ready or memory.prepared is not None  # whose turn it is keeps it in a bad moment
    runs = memory.step is Step.DEPLOYED and memory.started is not None and well
    keeps = wanted.keeps_state and wanted.savepoints is not None
    return Place.WAITS if runs and keeps else Place.APART


def _ready_since(status: ModelStreamStatus) -> datetime | None:
    for each in status.conditions:
        if each.type == ConditionType.READY and each.status == "True":
            return fields.time(each.last_transition_time)
    return None
