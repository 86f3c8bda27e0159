"""Models as functions of Flink SQL."""

from datetime import timedelta
from pathlib import Path

import pytest
from tests.support import models
from tests.support.flink import HUNG_UP, collected, environment, in_processes, numbers, table
from tests.support.numpymodel import NumpyModel, called

from modelstream.errors import OptionError
from modelstream.failure import Fail
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


def test_an_argument_too_many_fails_the_job() -> None:
    t_env = environment()
    register(t_env, "twice", NumpyModel())
    t_env.create_temporary_view("numbers", numbers(t_env, [4.0]))
    with pytest.raises(Exception, match=r"takes 1 arguments \(x\); it is called with 2"):
        collected(t_env.sql_query("SELECT twice(x, id).y FROM numbers"))


def test_arguments_are_the_input_tensors_sorted_by_name() -> None:
    t_env = environment()
    register(t_env, "pair", SavedModel(models.pair()))
    source = table(t_env, "a FLOAT, b ARRAY<BIGINT>", [(0.5, [1, 2])])
    t_env.create_temporary_view("pairs", source)
    assert collected(t_env.sql_query("SELECT pair(a, b).`sum` FROM pairs")) == [(3.5,)]


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
