"""A newer operator restarts streams one by one, and stops at the first that is not well."""

import asyncio
import copy
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from tests.support.conditions import BEFORE, WELL, condition
from tests.unit.operator.test_revision import NEWER, NOW, STATE, asked, deployed, kept
from tests.unit.operator.test_service import Server

from modelstream_crds.v1alpha1 import ConditionType, ModelStreamStatus
from modelstream_operator.cache import Cache
from modelstream_operator.decide.memory import Ended, How, Step
from modelstream_operator.decide.prepared import Prepared
from modelstream_operator.decide.status import status_of
from modelstream_operator.flink import Flink
from modelstream_operator.reconcile import Reconciler
from modelstream_operator.render import Target
from modelstream_operator.render.revision import revision_of
from modelstream_operator.resources import Key
from modelstream_operator.rollout import QUIET, Place, Rollout, Standing
from modelstream_operator.session import Session
from modelstream_operator.settings import Restarts

TargetMaker = Callable[..., Target]
A, B, C = (Key("fraud", name) for name in "abc")
LATER = NOW + QUIET
RAN = {"started": "2026-01-01T00:00:00Z"}
WAITS = Standing(Place.WAITS, NOW, NOW)
MOVES = Standing(Place.MOVES, LATER)
BEGINS = Standing(Place.RUNS, LATER)


def ready(since: datetime = NOW) -> ModelStreamStatus:
    condition = {"type": "Ready", "status": "True", "reason": "Ready", "message": ""}
    times = {"lastTransitionTime": since.isoformat()}
    return ModelStreamStatus.model_validate({"conditions": [{**condition, **times}]})


def well(since: datetime) -> Standing:
    return Standing(Place.RUNS, LATER, since)


def of_three(*, begun: datetime = NOW) -> Rollout:
    """Three streams of an older operator, seen by a newer one."""
    return Rollout(dict.fromkeys((A, B, C), WAITS), begun)


def test_an_operator_looks_round_before_it_restarts_anything() -> None:
    rollout = Rollout()
    assert not rollout.has_turn(A, WAITS, NOW)
    assert not rollout.has_turn(A, WAITS, LATER - timedelta(seconds=1))
    assert rollout.has_turn(A, WAITS, LATER)


def test_one_has_the_turn_until_it_runs_and_nobody_beside_it() -> None:
    rollout = of_three()
    assert not rollout.has_turn(B, WAITS, LATER)
    assert rollout.has_turn(A, WAITS, LATER)
    assert not rollout.has_turn(B, WAITS, LATER)
    assert rollout.has_turn(A, MOVES, LATER)
    assert not rollout.has_turn(B, WAITS, LATER)
    assert not rollout.has_turn(A, BEGINS, LATER)
    assert not rollout.has_turn(B, WAITS, LATER)


def test_the_next_one_follows_when_the_last_has_been_ready_for_a_minute() -> None:
    rollout = of_three()
    assert rollout.has_turn(A, WAITS, LATER)
    assert not rollout.has_turn(A, well(LATER), LATER)
    assert not rollout.has_turn(B, WAITS, LATER + QUIET / 2)
    assert not rollout.has_turn(C, WAITS, LATER + QUIET)
    assert rollout.has_turn(B, WAITS, LATER + QUIET)


def test_the_first_that_does_not_become_ready_stops_it_until_it_is_well() -> None:
    rollout, day = of_three(), LATER + timedelta(days=1)
    rollout.has_turn(A, WAITS, LATER)
    rollout.has_turn(A, BEGINS, LATER)
    assert not rollout.has_turn(B, WAITS, day)
    assert rollout.comes_first(B, day) == A
    rollout.has_turn(A, well(day), day)
    assert rollout.has_turn(B, WAITS, day + QUIET)


def test_one_that_cannot_be_proven_keeps_the_turn() -> None:
    rollout = of_three()
    rollout.has_turn(A, WAITS, LATER)
    day = LATER + timedelta(days=1)
    assert not rollout.has_turn(B, WAITS, day)
    assert rollout.has_turn(A, WAITS, day)
    assert (rollout.comes_first(B, day), rollout.comes_first(A, day)) == (A, None)


def test_a_clock_that_was_ahead_holds_nobody_up() -> None:
    rollout = of_three(begun=LATER + timedelta(days=1))
    assert not rollout.has_turn(A, WAITS, LATER)
    assert rollout.has_turn(A, WAITS, LATER + QUIET)
    rollout.has_turn(A, well(LATER + timedelta(days=1)), LATER + QUIET)
    assert rollout.has_turn(B, WAITS, LATER + QUIET * 2)


@pytest.mark.parametrize("leaves", [True, False], ids=["deleted", "suspended"])
def test_one_that_is_suspended_or_deleted_makes_room(leaves: bool) -> None:
    rollout = of_three()
    rollout.has_turn(A, WAITS, LATER)
    rollout.has_turn(A, BEGINS, LATER)
    if leaves:
        rollout.forget(A)
    else:
        rollout.has_turn(A, Standing(Place.APART), LATER)
    assert rollout.has_turn(B, WAITS, LATER)


def test_an_operator_that_starts_in_the_midst_of_it_goes_on_where_the_last_one_was() -> None:
    began = Standing(Place.RUNS, LATER)
    older = Standing(Place.RUNS, NOW, NOW)
    rollout = Rollout({A: older, B: began, C: WAITS}, NOW)
    assert not rollout.has_turn(C, WAITS, LATER + timedelta(days=1))
    rollout.has_turn(B, well(LATER), LATER)
    assert rollout.has_turn(C, WAITS, LATER + QUIET)


def test_what_an_older_operator_left_between_two_runs_is_waited_for() -> None:
    rollout = Rollout({A: WAITS, B: Standing(Place.MOVES, NOW)}, NOW)
    assert not rollout.has_turn(A, WAITS, LATER)
    assert not rollout.has_turn(B, Standing(Place.MOVES, NOW), LATER)


PLACES: list[Any] = [
    pytest.param(STATE, RAN, ready(), NEWER, Place.WAITS, id="it runs, with state"),
    pytest.param(STATE, RAN, ModelStreamStatus(), NEWER, Place.APART, id="it is not Ready"),
    pytest.param(
        STATE,
        RAN | {"prepared": Prepared(2, "r", "f" * 32, NOW)},
        ModelStreamStatus(),
        NEWER,
        Place.WAITS,
        id="it has the turn, and is not Ready for a moment",
    ),
    pytest.param(STATE, {}, ready(), NEWER, Place.APART, id="it never ran"),
    pytest.param({}, RAN, ready(), NEWER, Place.APART, id="no state"),
    pytest.param(
        STATE | {"spec/upgrade": {"mode": "Stateless"}},
        RAN,
        ready(),
        NEWER,
        Place.APART,
        id="gives up",
    ),
    pytest.param(STATE | {"spec/suspend": True}, RAN, ready(), NEWER, Place.APART, id="is to rest"),
    pytest.param(
        STATE, RAN | {"step": Step.SAVEPOINTING}, ready(), NEWER, Place.MOVES, id="it is stopped"
    ),
    pytest.param(STATE, RAN, ready(), None, Place.RUNS, id="made by this operator"),
    pytest.param(
        STATE,
        RAN | {"step": Step.ENDED, "ended": Ended(1, "a", How.FAILED, NOW)},
        ready(),
        None,
        Place.RUNS,
        id="made by this operator, and failed",
    ),
    pytest.param(
        STATE,
        RAN | {"step": Step.ENDED, "ended": Ended(1, "a", How.FINISHED, NOW)},
        ready(),
        None,
        Place.APART,
        id="read to its end",
    ),
]


@pytest.mark.parametrize(("spec", "known", "status", "settings", "place"), PLACES)
def test_what_would_lose_nothing_waits_for_its_turn(
    target: TargetMaker,
    spec: dict[str, Any],
    known: dict[str, Any],
    status: ModelStreamStatus,
    settings: Any,
    place: Place,
) -> None:
    old = target(spec)
    newer = replace(old, settings=settings or old.settings)
    memory = replace(deployed(revision_of(old)), **known)
    found, _ = asked(newer, memory, kept(old, revision_of(old)))
    assert Standing.of(found, memory, status).place is place


@pytest.mark.parametrize(
    ("restarts", "step"), [(Restarts.NEVER, "Deployed"), (Restarts.ONE_BY_ONE, "Savepointing")]
)
def test_the_turn_is_an_ordinary_restart(
    target: TargetMaker, restarts: Restarts, step: str
) -> None:
    old, clock = target(STATE), [NOW]
    revision = revision_of(old)
    manifest = copy.deepcopy(old.manifest)
    manifest["status"] = {
        **replace(deployed(revision), **RAN, since=NOW).written(),
        **ready().model_dump(by_alias=True, mode="json", exclude_none=True),
    }
    server, cache = Server(), Cache()
    child = revision.manifest(old)
    child["metadata"]["uid"] = revision.id
    cache.put(child)
    settings = replace(NEWER, rollout=restarts)
    one: Any = Reconciler(server, cache, Flink(), settings, lambda: clock[0])  # type: ignore[arg-type]  # a fake

    async def run() -> None:
        session = Session(Key("fraud", "scores"))
        await one.once(session, manifest)
        assert server.statuses[-1]["step"]["name"] == "Deployed"
        clock[0] = LATER
        session.known["status"]["conditions"] = manifest["status"]["conditions"]
        await one.once(session, manifest)

    asyncio.run(run())
    assert server.statuses[-1]["step"]["name"] == step


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        pytest.param({}, "at the next restart", id="left alone"),
        pytest.param({"awaits_turn": True}, "when its turn comes", id="it waits"),
        pytest.param(
            {"awaits_turn": True, "comes_first": "fraud/other"},
            "(fraud/other comes first,",
            id="who",
        ),
        pytest.param({"updated": False}, "its turn has come", id="it is restarted"),
    ],
)
def test_when_it_is_taken_is_told(changes: dict[str, Any], words: str) -> None:
    status = status_of(replace(WELL, outdated=True, **changes), BEFORE)
    said = condition(status, ConditionType.OUTDATED)
    assert (said["status"], said["reason"]) == ("True", "OperatorChanged")
    assert words in said["message"]
