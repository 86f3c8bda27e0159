"""infer over DataStreams, by every path."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support import models
from tests.support.flink import HUNG_UP, in_processes, stream_environment, streamed

from modelstream.deadletter import DeadLetter
from modelstream.inference import infer
from modelstream.inference.route import Route
from modelstream.model import SavedModel

pytestmark = [pytest.mark.flink, HUNG_UP]
ROUTES = [pytest.param(route, id=route) for route in (Route.ARROW, Route.ASYNC, Route.RECORD)]


def numbered(env, values: list[float]):
    """Rows of an ``id`` and an ``x``, which is its own time too."""
    from pyflink.common import Row, Types, WatermarkStrategy
    from tests.integration.inference.moments import Moment

    kind = Types.ROW_NAMED(["id", "x"], [Types.LONG(), Types.FLOAT()])
    rows = env.from_collection([Row(*each) for each in enumerate(values)], kind)
    strategy = WatermarkStrategy.for_monotonous_timestamps()
    return rows.assign_timestamps_and_watermarks(strategy.with_timestamp_assigner(Moment()))


@pytest.mark.parametrize("route", ROUTES)
def test_a_bad_record_is_one_dead_letter_and_the_others_go_on_with_their_times(
    monkeypatch: pytest.MonkeyPatch, route: str
) -> None:
    from pyflink.common import Time, Types
    from pyflink.datastream.window import TumblingEventTimeWindows
    from tests.integration.inference.moments import Together

    in_processes(monkeypatch)
    source = numbered(stream_environment(), [4.0, -1.0, 9.0, 16.0])
    result = infer(
        source, SavedModel(models.picky()), on_error=DeadLetter(), key="id", path=route
    )
    assert str(result.choice) == f"{route}: as asked for"
    windows = TumblingEventTimeWindows.of(Time.milliseconds(3))
    scored = result.scored.window_all(windows).process(Together(), Types.STRING())
    letters = result.dead_letters.map(as_text, Types.STRING())
    lines = [json.loads(line) for line in streamed(scored.union(letters))]
    windowed = [line for line in lines if "rows" in line]
    assert windowed == [
        {"rows": [[0, 4.0, 2.0], [2, 9.0, 3.0]], "end": 3},
        {"rows": [[3, 16.0, 4.0]], "end": 6},
    ]
    (letter,) = (line for line in lines if "key" in line)
    assert letter["message"].count("x is negative")
    del letter["message"]
    assert letter == {
        "key": "1",
        "payload": {"id": 1, "x": -1.0},
        "stage": "inference",
        "error_type": "InvalidArgumentError",
        "model": "picky",
    }


def as_text(row: Any) -> str:
    fields = {
        name: getattr(row, name) for name in ("stage", "error_type", "message", "model")
    }
    assert row.time is not None
    return json.dumps(
        {
            "key": bytes(row.key).decode(),
            "payload": json.loads(bytes(row.payload)),
            **fields,
        }
    )
