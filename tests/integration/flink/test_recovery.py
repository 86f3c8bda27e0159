"""What a failure costs: nothing that a checkpoint can bring back."""

import json
import logging
from pathlib import Path

import pytest
from tests.support.failure import FailsOnce, newest_checkpoint
from tests.support.flink import (
    HUNG_UP,
    environment,
    into_files,
    numbers,
    rows,
    run,
    stopped,
    until,
)
from tests.support.numpymodel import NumpyModel

from modelstream.failure import DeadLetter
from modelstream.flink.awaiting import async_with_model
from modelstream.flink.chains import CHAINING
from modelstream.flink.closures import map_with_model
from modelstream.flink.entry import infer
from modelstream.flink.letters import dead_letters

pytestmark = [pytest.mark.flink, HUNG_UP]

RECOVERY = {
    "execution.checkpointing.interval": "100 ms",
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": "3",
    "restart-strategy.fixed-delay.delay": "0 s",
}


def counted(t_env, records: int, rate: int, x: str = "id"):
    t_env.execute_sql(
        f"CREATE TEMPORARY TABLE counted (id INT, x AS CAST({x} AS FLOAT)) WITH ("
        f"'connector' = 'datagen', 'rows-per-second' = '{rate}', 'fields.id.kind' = 'sequence', "
        f"'fields.id.start' = '1', 'fields.id.end' = '{records}')"
    )
    return t_env.from_path("counted")


def test_a_job_that_restarts_from_a_checkpoint_scores_every_record_once(tmp_path: Path) -> None:
    t_env = environment(RECOVERY)
    failed = tmp_path / "failed"
    model = NumpyModel(fails_once=failed, fails_at=2500)
    # As Fail would: on_error is Fail, and the model refuses one record once.
    result = infer(counted(t_env, 4000, 2000), model, keep=["id"])
    run(t_env, {"scored": result.scored}, tmp_path)
    assert failed.exists()
    scored = rows(tmp_path / "scored")
    assert sorted(row["id"] for row in scored) == list(range(1, 4001))
    assert all(row["y"] == 2 * row["id"] for row in scored)


async def later(record, model):
    return with_id(record, (await model.score(record))["y"])


def now(record, model):
    return with_id(record, model.score(record)["y"])


def with_id(record, y):
    from pyflink.common import Row

    return Row(record[0], y)


def inferred(path):
    def apply(stream):
        result = infer(stream, NumpyModel(), keep=["id"], path=path, on_error=DeadLetter())
        return result.scored, result.dead_letters

    return apply


def applied(function, fn):
    def apply(stream):
        from pyflink.common import Types

        kind = Types.ROW_NAMED(["id", "y"], [Types.INT(), Types.FLOAT()])
        scored = function(stream, NumpyModel(), fn, output_type=kind, on_error=DeadLetter())
        return scored, dead_letters(scored)

    return apply


BESIDE_TABLES = {
    "async": inferred("async"),
    "record": inferred("record"),
    "async_with_model": applied(async_with_model, later),
    "map_with_model": applied(map_with_model, now),
}


@pytest.mark.parametrize(
    "paths",
    [
        pytest.param({"arrow": inferred("arrow")}, id="arrow"),  # which sets chains for the job
        pytest.param(BESIDE_TABLES, id="without tables"),
    ],
)
def test_by_each_path_every_record_is_scored_or_a_dead_letter_once(paths, tmp_path: Path) -> None:
    from pyflink.common import Row, Types

    state, resumed = tmp_path / "state", tmp_path / "resumed"
    t_env = environment({**RECOVERY, "execution.checkpointing.dir": state.as_uri()})
    # More than come in the time that it may take: it is stopped, once it has failed and gone on.
    # Not many more, for Flink keeps all numbers to come in each checkpoint.
    given = t_env.to_data_stream(counted(t_env, 250_000, 400, x="IF(MOD(id, 100) = 0, -1, id)"))
    number = Types.ROW_NAMED(["id"], [Types.INT()])
    kind = Types.ROW_NAMED(["id", "y"], [Types.INT(), Types.FLOAT()])
    inserts = t_env.create_statement_set()
    for path, apply in paths.items():
        scored, dead = apply(given)
        if path == next(iter(paths)):
            # Behind a model, while others are on their way through it, and through the others.
            scored = scored.map(FailsOnce(400, state, tmp_path), kind).start_new_chain()
        letters = dead.map(lambda letter: Row(json.loads(bytes(letter.payload))["id"]), number)
        for name, each in {"scored": scored, "dead": letters}.items():
            into_files(inserts, t_env.from_data_stream(each), tmp_path / path / name)
    job = inserts.execute().get_job_client()
    until(resumed.exists, "the job never failed, or did not go on")
    again = newest_checkpoint(state)
    until(lambda: newest_checkpoint(state) > again)  # each task runs: Flink stops no job before
    stopped(job, tmp_path / "savepoint", drain=True)
    assert int(resumed.read_text()) > 400, "it goes on from the checkpoint"
    for path in paths:
        good, bad = (rows(tmp_path / path / name) for name in ("scored", "dead"))
        ids, refused = (sorted(row["id"] for row in found) for found in (good, bad))
        last = max(ids + refused)
        assert refused == list(range(100, last + 1, 100)), path
        assert ids == sorted({*range(1, last + 1)} - {*refused}), path
        assert all(row["y"] == 2 * row["id"] for row in good), path


def test_a_source_that_could_lose_a_bundle_is_not_chained_to_the_model() -> None:
    t_env = environment()
    infer(counted(t_env, 10, 10), NumpyModel(), keep=["id"])
    assert t_env.get_config().get(CHAINING, "") == "false"


@pytest.mark.parametrize("shape", ["query", "view", "stream"])
def test_it_is_found_behind_a(shape: str) -> None:
    t_env = environment()
    given = counted(t_env, 10, 10)
    if shape == "query":
        given = t_env.sql_query("SELECT id, x FROM counted WHERE id > 1")
    elif shape == "view":
        t_env.create_temporary_view("seen", given)
        given = t_env.from_path("seen")
    else:
        given = t_env.from_data_stream(t_env.to_data_stream(given))
    infer(given, NumpyModel(), keep=["id"])
    assert t_env.get_config().get(CHAINING, "") == "false"


def test_a_source_of_the_new_kind_stays_chained() -> None:
    t_env = environment()
    infer(numbers(t_env, [1.0]), NumpyModel())
    assert t_env.get_config().get(CHAINING, "") == ""


def test_what_the_user_says_about_chaining_stays(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    t_env = environment({CHAINING: "true"})
    infer(counted(t_env, 10, 10), NumpyModel(), keep=["id"])
    assert t_env.get_config().get(CHAINING, "") == "true"
