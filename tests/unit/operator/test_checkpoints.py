"""What could be restored from now, told seldom and true."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.support.conditions import BEFORE, DEPLOYED, WELL, condition

from modelstream_crds.v1alpha1 import ConditionType, ModelStreamStatus
from modelstream_operator.asking import Heard, Questions
from modelstream_operator.decide.checkpoints import ASKED, WRITTEN, Health
from modelstream_operator.decide.decision import Decision
from modelstream_operator.decide.facts import Facts
from modelstream_operator.decide.memory import Ended, How, Step
from modelstream_operator.decide.status import status_of
from modelstream_operator.decide.stored import Kind, Stored
from modelstream_operator.flink import FlinkError
from modelstream_operator.resources import Key

TIME = datetime(2026, 1, 1, 12, tzinfo=UTC)
PATH = "s3://state/checkpoints/a/chk-7"
GOOD = Health(PATH, TIME, timedelta(seconds=1.5), 2048)
BAD = replace(GOOD, failed=1, cause="no space left")
KEEPS = replace(WELL, keeps=True, health=GOOD)
ANSWER: dict[str, Any] = {
    "latest": {
        "completed": {
            "id": 7,
            "external_path": PATH,
            "latest_ack_timestamp": round(TIME.timestamp() * 1000),
            "end_to_end_duration": 1500,
            "state_size": 2048,
        },
        "failed": {"id": 5, "failure_message": "no space left"},
    }
}


def read(status: Any) -> ModelStreamStatus:
    return ModelStreamStatus.model_validate(status)


def test_flinks_answer_is_the_newest_that_is_complete_and_what_failed_since() -> None:
    assert Health.of(ANSWER) == GOOD
    failed = {
        "latest": {**ANSWER["latest"], "failed": {"id": 8, "failure_message": "no space left"}}
    }
    assert Health.of(failed) == BAD
    assert Health.of({"latest": {"completed": None, "failed": None}}) == Health()


def test_status_has_it_and_says_that_the_state_is_safe() -> None:
    status = status_of(KEEPS, BEFORE)
    told = {"path": PATH, "time": "2026-01-01T12:00:00Z", "duration": "1.5s", "size": 2048}
    assert status["checkpoint"] == told
    safe = condition(status, ConditionType.STATE_SAFE)
    assert (safe["status"], safe["reason"]) == ("True", "Checkpointed")
    assert PATH in safe["message"]


@pytest.mark.parametrize(
    ("health", "time", "failed"),
    [
        pytest.param(
            replace(GOOD, completed=TIME + WRITTEN - timedelta(seconds=1)), TIME, 0, id="a new one"
        ),
        pytest.param(
            replace(GOOD, completed=TIME + WRITTEN), TIME + WRITTEN, 0, id="five minutes later"
        ),
        pytest.param(BAD, TIME, 1, id="it begins to fail"),
        pytest.param(None, TIME, 0, id="nobody answers"),
    ],
)
def test_it_is_written_seldom(health: Health | None, time: datetime, failed: int) -> None:
    before = read(status_of(KEEPS, BEFORE))
    after = read(status_of(replace(KEEPS, health=health), before)).checkpoint
    assert after is not None
    assert (datetime.fromisoformat(after.time or ""), after.failed or 0) == (time, failed)


def test_one_that_fails_is_told_with_its_cause_and_once() -> None:
    status = status_of(replace(KEEPS, health=BAD), BEFORE)
    safe = condition(status, ConditionType.STATE_SAFE)
    assert (safe["status"], safe["reason"]) == ("False", "CheckpointsFail")
    assert "no space left" in safe["message"]
    again = status_of(replace(KEEPS, health=replace(BAD, failed=9)), read(status))
    assert again["checkpoint"] == status["checkpoint"]
    well = replace(GOOD, completed=TIME + timedelta(seconds=30))
    assert "failed" not in status_of(replace(KEEPS, health=well), read(status))["checkpoint"]


def shown(facts: Facts) -> tuple[str, str] | None:
    found = {each["type"]: each for each in status_of(facts, BEFORE)["conditions"]}
    safe = found.get(ConditionType.STATE_SAFE)
    return (safe["status"], safe["reason"]) if safe else None


def test_nothing_is_safe_before_the_first_and_nothing_is_said_without_state() -> None:
    assert shown(replace(KEEPS, health=Health())) == ("Unknown", "NoCheckpoint")
    assert shown(WELL) is None


def test_what_rests_is_kept_where_it_is() -> None:
    left = Stored(PATH, Kind.CHECKPOINT, "a")
    rests = replace(DEPLOYED, step=Step.SUSPENDED, ended=Ended(1, "a", How.STOPPED, TIME, left))
    facts = replace(KEEPS, decision=Decision(rests), health=None)
    assert shown(facts) == ("True", "StateKept")
    assert "checkpoint" not in status_of(facts, BEFORE)


def test_the_checkpoint_of_another_run_is_not_told_for_this_one() -> None:
    before = read(status_of(KEEPS, BEFORE))
    other = replace(KEEPS, decision=Decision(replace(DEPLOYED, run=2)), health=None)
    assert "checkpoint" not in status_of(other, before)


class Counting:
    """Flink, which counts how often it is asked."""

    def __init__(self) -> None:
        self.asked = 0
        self.silent = False

    async def jobs(self, url: str) -> list[dict[str, Any]]:
        tasks = {"running": 1, "finished": 0, "total": 1}
        times = {"start-time": 0, "duration": 60_000, "last-modification": 0}
        return [{"jid": "a", "state": "RUNNING", "tasks": tasks, **times}]

    async def checkpoints(self, url: str, job: str) -> dict[str, Any]:
        self.asked += 1
        if self.silent:
            raise FlinkError(0, "timeout")
        return ANSWER


def test_flink_is_asked_every_30_seconds_and_its_last_answer_holds() -> None:
    flink, heard = Counting(), Heard()
    questions = Questions(flink, "", Key("n", "s"), DEPLOYED, rescales=False, saves=True)  # type: ignore[arg-type]  # a double

    async def asked(later: timedelta) -> Health | None:
        return (await questions.ask(heard, TIME + later)).health

    async def passes() -> list[Health | None]:
        found = [await asked(timedelta(seconds=seconds)) for seconds in (0, 2, 4)]
        flink.silent = True
        return [*found, await asked(ASKED)]

    assert asyncio.run(passes()) == [GOOD] * 4
    assert flink.asked == 2
