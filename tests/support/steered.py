"""An operator for the courses: what all of them can do, and what they are asked for.

It remembers nothing but what it has written, and can die after any write.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol

from modelstream_operator.decide.memory import Memory
from modelstream_operator.resources import Manifest, Ref

PATIENCE = timedelta(minutes=1)
READY_TIMEOUT = timedelta(minutes=5)
INTERVAL = timedelta(minutes=1)
"""Between two savepoints, where they are taken."""


@dataclass
class Spec:
    """What a user asks for, as far as courses differ by it."""

    nonce: int = 0
    replicas: int = 2
    suspend: bool = False
    stateless: bool = False
    moved: bool = False
    """Whether state is to be in another store."""
    given_up: bool = False
    """Whether ``state`` is taken away."""
    restore: str = ""
    """What ``state.restoreFrom`` says: newest, nothing, or a path; empty where it is not there."""
    restore_nonce: int = 0
    last_state: bool = False
    rolls_back: bool = True
    takes_less: bool = False
    refused: bool = False
    saves_at_deletion: bool = False
    savepoint_nonce: int = 0
    keep: int | None = None
    """How many savepoints are kept, of which one is taken each minute; None: all, and none is."""
    deleted: bool = False

    @property
    def mode(self) -> str:
        """As the resource spells it."""
        if self.stateless:
            return "Stateless"
        return "LastState" if self.last_state else "Savepoint"


@dataclass
class Clock:
    """The operator's, which the test moves."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Let time go by."""
        self.now += timedelta(seconds=seconds)


class Operator(Protocol):
    """Brings the world nearer to a spec."""

    gone: bool
    """Whether a deletion waits for nothing more."""

    def step(self, spec: Spec, writes: int | None) -> None:
        """One pass; the operator dies after so many writes, and starts anew."""

    def lose_status(self) -> None:
        """A backup is restored without it, and the operator starts anew."""

    def lose_of_status(self, field: str) -> None:
        """Somebody takes a field out of it."""

    def restore_status(self, which: int) -> None:
        """A backup is restored with the status that was there in an earlier run."""

    def lose_all(self) -> None:
        """Also what the runs were made of is gone."""

    def named(self, step: str) -> str:
        """Somebody writes another step into status; returns the one that was there."""

    def outpaced(self) -> None:
        """Somebody else changes the object just before the next write of its status."""

    def upgraded(self) -> None:
        """An operator that renders other pods takes over."""

    @property
    def awake(self) -> bool:
        """Whether a watch has told of something, or its time has come."""

    @property
    def children(self) -> list[Ref]:
        """What it has made, as far as somebody may lay hands on it."""

    def meddled(self, child: Ref, *, deleted: bool) -> None:
        """Somebody deletes a child, or scales it."""

    @property
    def awry(self) -> set[Ref]:
        """Children of the present run that are not as they were made."""

    @property
    def tells_of_a_job(self) -> bool:
        """Whether status says that the job runs."""

    @property
    def memory(self) -> Memory:
        """What it has written."""

    @property
    def nonce(self) -> int | None:
        """Of the spec that the present run is made of; None where that is not stored yet."""


def with_step(status: Manifest, name: str) -> Manifest:
    """A status at another step."""
    return {**status, "step": {**status["step"], "name": name}}
