"""infer over DataStreams, by every path."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.support import models
from tests.support.flink import HUNG_UP, in_processes, stream_environment, streamed
from tests.support.numpymodel import NumpyModel, called

from modelstream.errors import OptionError, SignatureMismatchError
from modelstream.failure import DeadLetter, Fail
from modelstream.flink.entry import infer
from modelstream.flink.jvm import has_event_time
from modelstream.flink.route import Route
from modelstream.models import CallableModel, Predict, SavedModel, TensorSpec
from modelstream.scoring.batch import Batch

pytestmark = [pytest.mark.flink, HUNG_UP]
ROUTES = [Route.ARROW, Route.ASYNC, Route.RECORD]


def numbered(env: Any, values: list[float]) -> Any:
    """Rows of an ``id``, which is its own time too, and an ``x``."""
    from pyflink.common import Row, Types, WatermarkStrategy
    from tests.integration.flink.moments import Moment

    kind = Types.ROW_NAMED(["id", "x"], [Types.LONG(), Types.FLOAT()])
    rows = env.from_collection([Row(*each) for each in enumerate(values)], kind)
    strategy = WatermarkStrategy.for_monotonous_timestamps()
    return rows.assign_timestamps_and_watermarks(strategy.with_timestamp_assigner(Moment()))


def test_by_each_path_a_bad_record_is_one_dead_letter_and_the_others_keep_their_times(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pyflink.common import Time, Types
    from pyflink.datastream.window import TumblingEventTimeWindows
    from tests.integration.flink.moments import Together

    in_processes(monkeypatch)
    env, text = stream_environment(), Types.STRING()
    windows = TumblingEventTimeWindows.of(Time.milliseconds(3))
    streams = []
    for route in ROUTES:
        source = numbered(env, [4.0, -1.0, 9.0, 16.0])
        picky = SavedModel(models.picky(), name=f"picky-{route}")
        result = infer(source, picky, on_error=DeadLetter(), key="id", path=route)
        assert str(result.choice) == f"{route}: as asked for"
        windowed = result.scored.window_all(windows).process(Together(route), text)
        streams += [windowed, result.dead_letters.map(as_text, text)]
    first, *rest = streams
    lines = [json.loads(line) for line in streamed(first.union(*rest))]
    for route in ROUTES:
        assert [line for line in lines if line.get("name") == route] == [
            {"name": route, "rows": [[0, 4.0, 2.0], [2, 9.0, 3.0]], "end": 3},
            {"name": route, "rows": [[3, 16.0, 4.0]], "end": 6},
        ]
        (letter,) = (line for line in lines if line.get("model") == f"picky-{route}")
        assert "x is negative" in letter.pop("message")
        assert letter == {
            "key": "1",
            "payload": {"id": 1, "x": -1.0},
            "stage": "inference",
            "error_type": "InvalidArgumentError",
            "model": f"picky-{route}",
            "text": {"id": 1, "x": -1.0},
        }


def as_text(row: Any) -> str:
    fields = {name: getattr(row, name) for name in ("stage", "error_type", "message", "model")}
    assert row.time.to_epoch_milli() > 0
    key, payload = bytes(row.key).decode(), json.loads(bytes(row.payload))
    assert (row.model_digest, row.source) == (None, None)
    fields["text"] = json.loads(row.text)
    return json.dumps({"key": key, "payload": payload, **fields})


def test_records_of_every_kind_go_through() -> None:
    from pyflink.common import Types

    env, text = stream_environment(), Types.STRING()
    number, pair = Types.FLOAT(), Types.TUPLE([Types.LONG(), Types.FLOAT()])
    values = env.from_collection([1.0, 2.0], number)
    pairs = env.from_collection([(1, 1.5), (2, 2.5)], pair)
    objects = env.from_collection([{"x": 3.0}, {"y": 4.0}])  # of a type that Flink does not know
    keyed = pairs.key_by(lambda each: each[0], Types.LONG())
    second = Predict(inputs={"x": "f1"})
    matrices = CallableModel(
        lambda x: np.stack([x, x, -x, -x], 1).reshape(-1, 2, 2),
        {"x": TensorSpec("float32", (None,))},
        {"y": TensorSpec("float32", (None, 2, 2))},
    )
    results = [
        *(infer(values, NumpyModel(), path=route) for route in ROUTES),
        *(infer(pairs, NumpyModel(), second, keep=["f0"], path=route) for route in ROUTES),
        infer(keyed, NumpyModel(), second, keep=[]),
        *(infer(values, matrices, path=route) for route in ROUTES),
        infer(objects, NumpyModel(), on_error=DeadLetter()),
    ]
    taken = [result.choice.route for result in results]
    assert taken == [*ROUTES, *ROUTES, Route.ARROW, *ROUTES, Route.ASYNC]
    assert "Python objects" in results[-1].choice.reason
    lines = [
        result.scored.map(lambda row, number=number: f"{number} {list(row)}", text)
        for number, result in enumerate(results)
    ]
    letters = results[-1].dead_letters.map(lambda row: f"99 {row.message}", text)
    found = sorted(streamed(letters.union(*lines)))
    assert found == sorted(
        [
            *(f"{number} [{x}, {2 * x}]" for number in range(3) for x in (1.0, 2.0)),
            *(f"{number} [{at}, {y}]" for number in range(3, 6) for at, y in ((1, 3.0), (2, 5.0))),
            "6 [3.0]",
            "6 [5.0]",
            *(
                f"{number} [{x}, [[{x}, {x}], [-{x}, -{x}]]]"
                for number in (7, 8, 9)
                for x in (1.0, 2.0)
            ),
            "99 the record has no field 'x'; it has 'y'",
            "10 [{'x': 3.0}, 6.0]",
        ]
    )


def test_every_record_gets_its_own_result_in_batches_and_in_order(tmp_path: Path) -> None:
    from pyflink.common import Types

    numbers = [float(each) for each in range(15 * 64)]
    source = stream_environment().from_collection(numbers, Types.FLOAT())
    model = NumpyModel(tmp_path / "calls")
    together = Batch(64, timedelta(minutes=1))  # however slow the machine is
    result = infer(source, model, path=Route.ASYNC, batch=together, warm_up=False)
    assert [tuple(row) for row in streamed(result.scored)] == [(each, 2 * each) for each in numbers]
    assert called(model.calls) == [64] * 15


def test_times_are_known_where_the_stream_has_them() -> None:
    from pyflink.common import Duration, Types, WatermarkStrategy
    from pyflink.datastream.connectors.number_seq import NumberSequenceSource
    from pyflink.table import StreamTableEnvironment

    env = stream_environment()
    t_env = StreamTableEnvironment.create(env)
    t_env.execute_sql(
        "CREATE TEMPORARY TABLE events (id BIGINT, moment AS TO_TIMESTAMP_LTZ(id, 3), "
        "WATERMARK FOR moment AS moment) WITH ('connector' = 'datagen')"
    )
    rising = WatermarkStrategy.for_monotonous_timestamps()
    sources = [
        env.from_source(NumberSequenceSource(1, 5), strategy, "numbers")
        for strategy in (
            WatermarkStrategy.no_watermarks(),
            rising,
            rising.with_idleness(Duration.of_seconds(1)),
        )
    ]
    untimed, timed, idle = sources
    of_tables = [
        t_env.to_data_stream(t_env.sql_query(f"SELECT {columns} FROM events"))
        for columns in ("id", "id, moment")
    ]
    streams = [untimed, timed, idle, timed.map(str), timed.union(untimed), *of_tables]
    scored = infer(of_tables[1].map(as_float, Types.FLOAT()), NumpyModel()).scored
    found = [has_event_time(stream) for stream in [*streams, scored]]
    assert found == [False, True, True, True, False, False, True, True]


def as_float(row: Any) -> float:
    return float(row[0])


def test_what_cannot_be_is_refused_before_the_job_starts() -> None:
    from pyflink.common import Types

    env = stream_environment()
    rows = numbered(env, [1.0])
    with pytest.raises(SignatureMismatchError, match=r"'features'.*it has 'id', 'x'"):
        infer(rows, NumpyModel(), Predict(inputs={"x": "features"}))
    with pytest.raises(SignatureMismatchError, match="one value, and the model takes 2 inputs"):
        infer(env.from_collection([1.0], Types.FLOAT()), SavedModel(models.pair()))
    with pytest.raises(OptionError, match="Python objects"):
        infer(env.from_collection([1.0]), NumpyModel(), path="arrow")
    with pytest.raises(OptionError, match="one batch setting"):
        infer(infer(rows, NumpyModel()).scored, NumpyModel(), keep=[], batch=Batch(16))
    threads = stream_environment({"python.execution-mode": "thread"})
    with pytest.raises(OptionError, match="TensorFlow can deadlock"):
        infer(threads.from_collection([1.0]), NumpyModel())


def test_by_each_path_the_payload_of_a_letter_is_the_same_json() -> None:
    from pyflink.common import Row, Types

    env, text = stream_environment(), Types.STRING()
    binary = Types.PRIMITIVE_ARRAY(Types.BYTE())
    kind = Types.ROW_NAMED(["x", "raw"], [Types.FLOAT(), binary])
    rows = [Row(1.0, bytearray(b"a")), Row(float("nan"), bytearray(b"\xff\x01"))]
    letters = [
        infer(
            env.from_collection(rows, kind),
            NumpyModel(name=f"double-{route}"),
            keep=[],
            on_error=DeadLetter(),
            path=route,
        ).dead_letters.map(lambda row: f"{row.model} {bytes(row.payload).decode()}", text)
        for route in ROUTES
    ]
    first, *rest = letters
    found = dict(line.split(" ", 1) for line in streamed(first.union(*rest)))
    assert {name: json.loads(said) for name, said in found.items()} == {
        f"double-{route}": {"x": "NaN", "raw": "/wE="} for route in ROUTES
    }


def test_times_that_python_would_cut_stay_in_flink() -> None:
    from pyflink.table import DataTypes, StreamTableEnvironment
    from pyflink.table.expressions import col

    env, text = stream_environment(), DataTypes.STRING()
    t_env = StreamTableEnvironment.create(env)
    fine, zoned = "2024-02-29 12:00:00.123456789", "TO_TIMESTAMP_LTZ(0, 0)"
    for column in (f"CAST('{fine}' AS TIMESTAMP(9))", f"CAST({zoned} AS TIMESTAMP_LTZ(0))"):
        table = t_env.sql_query(f"SELECT CAST(1 AS FLOAT) AS x, {column} AS moment")
        stream = t_env.to_data_stream(table)
        for route in ("async", "record"):
            with pytest.raises(OptionError, match=r"TIMESTAMP.*choose arrow"):
                infer(stream, NumpyModel(), path=route)
        result = infer(stream, NumpyModel(), batch=Batch(1))
        assert result.choice.route is Route.ARROW
        scored = t_env.from_data_stream(result.scored)
        shown = scored.select(col("y").cast(text), col("moment").cast(text))
        (row,) = [list(each) for each in shown.execute().collect()]
        assert row[0] == "2.0"
        assert row[1] == fine or row[1].endswith(":00:00")
    assert infer(stream, NumpyModel(), keep=["x"], path="arrow").choice.route is Route.ARROW


def test_what_an_update_takes_back_is_taken_back_behind_the_model_too() -> None:
    from pyflink.common import Types
    from pyflink.table import StreamTableEnvironment

    env = stream_environment()
    t_env = StreamTableEnvironment.create(env)
    t_env.create_temporary_view("events", env.from_collection(["a", "a"], Types.STRING()))
    counted = t_env.sql_query("SELECT CAST(COUNT(*) AS FLOAT) AS x FROM events GROUP BY f0")
    stream = t_env.to_changelog_stream(counted)
    scored = [
        infer(stream, NumpyModel(), path=route, on_error=on_error).scored
        for route in ("async", "record")
        for on_error in (Fail(), DeadLetter())
    ]
    lines = [
        each.map(lambda row, at=at: f"{at} {row.get_row_kind().name} {list(row)}", Types.STRING())
        for at, each in enumerate(scored)
    ]
    assert sorted(streamed(lines[0].union(*lines[1:]))) == [
        f"{at} {update}"
        for at in range(4)
        for update in ("INSERT [1.0, 2.0]", "UPDATE_AFTER [2.0, 4.0]", "UPDATE_BEFORE [1.0, 2.0]")
    ]
