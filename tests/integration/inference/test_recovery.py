"""What a failure costs: nothing that a checkpoint can bring back."""

import logging
from pathlib import Path

import pytest
from tests.support.flink import HUNG_UP, environment, numbers, rows, run
from tests.support.numpymodel import NumpyModel

from modelstream.inference import infer
from modelstream.inference.sources import CHAINING

pytestmark = [pytest.mark.flink, HUNG_UP]

RECOVERY = {
    "execution.checkpointing.interval": "100 ms",
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": "3",
    "restart-strategy.fixed-delay.delay": "0 s",
}


def counted(t_env, records: int, rate: int):
    t_env.execute_sql(
        "CREATE TEMPORARY TABLE counted (id INT, x AS CAST(id AS FLOAT)) WITH ("
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


def test_records_on_their_way_through_an_asynchronous_function_are_not_lost(
    tmp_path: Path,
) -> None:
    from pyflink.common import Types

    t_env = environment(RECOVERY)
    stream = t_env.to_data_stream(counted(t_env, 4000, 2000))
    scored = infer(stream, NumpyModel(), keep=["id"], path="async").scored
    failed = tmp_path / "failed"

    def fails_once(row):
        if row[0] == 2500 and not failed.exists():
            failed.touch()
            raise ValueError("the injected failure")
        return row

    kind = Types.ROW_NAMED(["id", "y"], [Types.INT(), Types.FLOAT()])
    behind = t_env.from_data_stream(scored.map(fails_once, kind).start_new_chain())
    run(t_env, {"scored": behind}, tmp_path)
    assert failed.exists()
    rows_out = rows(tmp_path / "scored")
    assert sorted(row["id"] for row in rows_out) == list(range(1, 4001))
    assert all(row["y"] == 2 * row["id"] for row in rows_out)


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
