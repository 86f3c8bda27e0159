"""What other streams name of a stream's savepoints: it stays, however many there are."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.lifecycle import (
    FRESH,
    NOW,
    ROOT,
)
from tests.support.savepoints import (
    DISPOSING,
    LISTED,
    PATHS,
    RUNS,
    WANTED,
)

from modelstream_operator.decide.decision import (
    Seen,
)
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.remains import Remains
from modelstream_operator.decide.saved import Saved
from modelstream_operator.resources import Key
from modelstream_operator.session import Session
from modelstream_operator.spared import AGAIN, spared, with_spared

CLAIM = "file:///var/lib/modelstream/state/fraud/scores/savepoints/a-1/savepoint-1"


@pytest.mark.parametrize(
    ("path", "stream"),
    [
        (PATHS[0], {"spec": {"state": {"restoreFrom": {"path": PATHS[0]}}}}),
        (PATHS[0], {"spec": {"state": {"restoreFrom": {"path": f"{ROOT}/a-0/"}}}}),
        (
            CLAIM,
            {
                "spec": {
                    "state": {
                        "restoreFrom": {
                            "path": "pvc://state/jobs/fraud/scores/savepoints/a-1/savepoint-1"
                        }
                    }
                }
            },
        ),
        (PATHS[0], {"status": {"restoredFrom": {"path": PATHS[0]}}}),
        (PATHS[0], {"status": {"restoredFrom": {"previous": {"path": PATHS[0]}}}}),
        (PATHS[0], {"status": {"rollback": {"previous": {"path": PATHS[0]}}}}),
    ],
    ids=["path", "directory above", "on a claim", "began with it", "left it aside", "way back"],
)
def test_a_savepoint_that_a_stream_of_the_namespace_names_is_spared(
    path: str, stream: dict[str, Any]
) -> None:
    found = [Saved(path, NOW, "a"), Saved(f"{ROOT}/b-1/savepoint-1", NOW, "b")]
    assert spared(found, [{"spec": {}}, stream], "pvc://state/jobs") == {path}


class Streams:
    """A cluster that counts how often it is asked for the streams of a namespace."""

    def __init__(self, *named: str) -> None:
        self.asked = 0
        self.named = [
            {
                "metadata": {"name": f"other-{number}"},
                "spec": {"state": {"restoreFrom": {"path": path}}},
            }
            for number, path in enumerate(named)
        ]

    async def streams(self, namespace: str) -> list[dict[str, Any]]:
        self.asked += 1
        return self.named


@pytest.fixture
def look(target: Any) -> Callable[..., frozenset[str] | None]:
    """What a pass knows of what others name."""
    there_ = target({"spec/state": {"storage": "s3://state"}})
    wish: Any = SimpleNamespace(present=there_, wanted=WANTED)

    def look(
        streams: Any, session: Session, memory: Memory, now: datetime = NOW, *, sweeps: bool = False
    ) -> Any:
        seen, asked = Seen(now, FRESH, outlives=True), wish
        looked = with_spared(streams, session, asked, seen, memory, sweeps=sweeps)
        return asyncio.run(looked).spared

    return look


def test_the_other_streams_are_looked_at_only_where_something_is_to_go(look: Any) -> None:
    memory, session = replace(RUNS, savepoints=LISTED[:3]), Session(Key("n", "s"))
    streams = Streams()
    for idle in (
        replace(memory, savepoints=LISTED[:2]),
        replace(memory, ask=DISPOSING),
        replace(memory, step=Step.SUSPENDED),
    ):
        assert look(streams, session, idle) is None
    assert streams.asked == 0
    assert look(streams, session, memory) == frozenset()
    assert look(streams, session, memory) == frozenset()


def test_where_all_of_it_is_named_they_are_looked_at_again_later(look: Any) -> None:
    memory, session = replace(RUNS, savepoints=LISTED[:3]), Session(Key("n", "s"))
    streams = Streams(PATHS[2])
    assert look(streams, session, memory) == {PATHS[2]}
    assert look(streams, session, memory, NOW + AGAIN / 2) is None
    assert look(streams, session, memory, NOW + AGAIN) == {PATHS[2]}
    assert streams.asked == 2


ENDED = Remains(1, "b" * 32, ROOT.rpartition("/")[0])


def test_what_ended_runs_left_is_asked_for_until_a_pod_removes_it(look: Any) -> None:
    """A pass that begins a change asks too, and sends no pod."""
    memory, session = replace(RUNS, remains=(ENDED,)), Session(Key("n", "s"))
    streams = Streams()
    assert look(streams, session, memory) == frozenset()
    assert look(streams, session, memory) == frozenset()
    assert look(streams, session, memory, sweeps=True) is None
    assert streams.asked == 2


def test_what_the_stream_s_own_run_began_with_may_go(look: Any) -> None:
    memory, session = replace(RUNS, remains=(ENDED,)), Session(Key("n", "s"))
    streams, began = Streams(), f"{ENDED.directories[0]}/chk-10"
    streams.named = [{"metadata": {"name": "s"}, "status": {"restoredFrom": {"path": began}}}]
    assert look(streams, session, memory) == frozenset()
    streams.named = [{"metadata": {"name": "t"}, "status": {"restoredFrom": {"path": began}}}]
    assert look(streams, session, memory) == {ENDED.job_id}
    restore = {"state": {"restoreFrom": {"path": began}}}
    streams.named = [{"metadata": {"name": "s"}, "spec": restore}]
    assert look(streams, session, memory, NOW + AGAIN) == {ENDED.job_id}
