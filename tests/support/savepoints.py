"""Savepoints that the operator has taken of a job that goes on, and asks for."""

from dataclasses import replace
from datetime import timedelta

from tests.support.lifecycle import (
    FRESH,
    NOW,
    OLD,
    ROOT,
    SAME_KEPT,
    started,
)

from modelstream_operator.decide.ask import Ask, AskKind
from modelstream_operator.decide.saved import MadeOf, Saved

HOUR = timedelta(hours=1)
WANTED = replace(SAME_KEPT, savepoint_interval=HOUR, keep=2)
RUNS = replace(started, started="2026-01-01T00:00:00Z")
MADE_OF = MadeOf(3, "runtime:1", (("fraud", "sha256:1"),))
PATHS = [f"{ROOT}/a-{n}/savepoint-{n}" for n in range(5)]
LISTED = tuple(Saved(path, NOW - n * HOUR, "a", OLD) for n, path in enumerate(PATHS))
TAKING = Ask(3, "a", f"{ROOT}/a-{FRESH}", NOW, FRESH, kind=AskKind.SAVEPOINT, nonce=1)
DISPOSING = replace(TAKING, directory=PATHS[4], kind=AskKind.DISPOSAL, nonce=0)
