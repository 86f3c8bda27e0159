"""Models as functions of Flink SQL."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support import models
from tests.support.flink import HUNG_UP, collected, environment, in_processes, numbers, table
from tests.support.numpymodel import NumpyModel, called

from modelstream.errors import OptionError
from modelstream.failure import Drop, Fail
from modelstream.flink.entry import infer
from modelstream.flink.sql import register
from modelstream.models import SavedModel
from modelstream.scoring.batch import Batch

pytestmark = [pytest.mark.flink, HUNG_UP]


def test_a_row_is_evaluated_once_however_many_fields_are_read(tmp_path: Path) -> None:
    t_env = environment()
    calls = tmp_path / "calls"
    register(t_env, "twice", NumpyModel(calls))
    t_env.create_temporary_view("numbers", numbers(t_env, [1.0, 2.0, 3.0]))
    query = (
        "SELECT id, twice(x).y, twice(x).y + 1, twice(x).error FROM numbers WHERE twice(x).y > 2"
    )
    assert collected(t_env.sql_query(query)) == [(1, 4.0, 5.0, None), (2, 6.0, 7.0, None)]
    warm_up = called(calls)[:2]
    assert sum(called(calls)) - sum(warm_up) == 3


def test_a_bad_record_gives_null_and_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    in_processes(monkeypatch)
    t_env = environment()
    register(t_env, "root", SavedModel(models.picky()))
    t_env.create_temporary_view("numbers", numbers(t_env, [4.0, -1.0, None]))
    good, negative, missing = collected(
        t_env.sql_query("SELECT id, root(x).root, root(x).error FROM numbers")
    )
    assert good == (0, 2.0, None)
    assert negative[:2] == (1, None)
    assert "x is negative" in negative[2]
    assert missing[:2] == (2, None)
    assert missing[2].startswith("encode: ")


def test_a_bad_record_fails_the_job_on_request() -> None:
    t_env = environment()
    register(t_env, "twice", NumpyModel(), on_error=Fail())
    t_env.create_temporary_view("numbers", numbers(t_env, [4.0, -1.0]))
    with pytest.raises(Exception, match="x is negative"):
        collected(t_env.sql_query("SELECT twice(x).y FROM numbers"))


ROWS = [(0, 1.5, 1.0, 4.0), (1, 2.5, 2.0, 9.0)]


def environment_with_diff() -> Any:
    """An environment with ``diff(a, b)`` and a table of four columns."""
    t_env = environment()
    register(t_env, "diff", SavedModel(models.difference()))
    source = table(t_env, "id BIGINT, a FLOAT, b FLOAT, x FLOAT", ROWS)
    t_env.create_temporary_view("numbers", source)
    return t_env


def test_several_inputs_are_fed_by_name_and_constants_count_for_each_row() -> None:
    calls = (
        "diff(a, b)",
        "diff(CAST(ROW(0.5, x) AS ROW<b FLOAT, a FLOAT>))",
        "diff(a, 0.5)",
        "diff(CAST(ROW(7.5, 2) AS ROW<a FLOAT, b FLOAT>))",
    )
    results = ", ".join(f"{call}.d" for call in calls)
    query = f"SELECT {results}, diff(a, CAST(NULL AS FLOAT)).error FROM numbers WHERE id < 2"
    found = collected(environment_with_diff().sql_query(query))
    assert [row[:-1] for row in found] == [(0.5, 3.5, 1.0, 5.5), (0.5, 8.5, 2.0, 5.5)]
    assert all(row[-1].endswith("b (float32[?]): it is null") for row in found)


def test_inputs_are_never_fed_in_the_order_of_their_names_in_silence() -> None:
    with pytest.raises(Exception, match=r"Write diff\(CAST\(ROW\(`x`, `b`\) AS ROW<"):
        collected(environment_with_diff().sql_query("SELECT diff(x, x + 1).d FROM numbers"))


def test_a_call_of_constants_takes_part_in_the_batch_of_another() -> None:
    t_env = environment()
    register(t_env, "twice", NumpyModel())
    t_env.create_temporary_view("numbers", numbers(t_env, [1.0, 2.0]))
    query = "SELECT twice(x).y, twice(CAST(3 AS FLOAT)).y FROM numbers"
    assert collected(t_env.sql_query(query)) == [(2.0, 6.0), (4.0, 6.0)]


def test_rows_that_an_update_takes_back_are_scored_again() -> None:
    t_env = environment()
    register(t_env, "twice", NumpyModel())
    t_env.create_temporary_view("numbers", numbers(t_env, [1.0, 2.0, 4.0]))
    t_env.execute_sql(
        "CREATE TEMPORARY VIEW sums AS "
        "SELECT MOD(id, 2) AS k, CAST(SUM(x) AS FLOAT) AS s FROM numbers GROUP BY MOD(id, 2)"
    )
    by_sql = t_env.sql_query("SELECT k, s, twice(s).y FROM sums")
    by_infer = infer(t_env.from_path("sums"), NumpyModel(), inputs={"x": "s"}).scored
    for scored in (by_sql, by_infer):
        with scored.execute().collect() as results:
            changes = [(row.get_row_kind().name, tuple(row)) for row in results]
        assert changes == [
            ("INSERT", (0, 1.0, 2.0)),
            ("INSERT", (1, 2.0, 4.0)),
            ("UPDATE_BEFORE", (0, 1.0, 2.0)),
            ("UPDATE_AFTER", (0, 5.0, 10.0)),
        ]


def test_a_column_that_a_where_makes_constant_feeds_a_model_alone() -> None:
    t_env = environment()
    from pyflink.table.expressions import col

    source = numbers(t_env, [1.0, 2.0])
    t_env.create_temporary_view("ones", source.where(col("x") == 1.0))
    for found in (source.where(col("x") == 1.0), t_env.from_path("ones")):
        assert collected(infer(found, NumpyModel(), keep=["id"], on_error=Drop()).scored) == [
            (0, 2.0)
        ]


def test_rows_are_scored_in_batches(tmp_path: Path) -> None:
    t_env = environment()
    calls = tmp_path / "calls"
    together = Batch(max_latency=timedelta(minutes=1))  # however slow the machine is
    register(t_env, "twice", NumpyModel(calls), batch=together)
    t_env.create_temporary_view("numbers", numbers(t_env, [1.0] * 100))
    collected(t_env.sql_query("SELECT twice(x).y FROM numbers"))
    assert max(called(calls)[2:]) == 100


def test_an_unknown_way_to_treat_errors_is_refused() -> None:
    with pytest.raises(OptionError, match=r"Null\(\) or Fail\(\)"):
        register(environment(), "twice", NumpyModel(), on_error="Ignore")
