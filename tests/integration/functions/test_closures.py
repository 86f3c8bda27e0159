"""Plain Python functions with models over DataStreams."""

import json

import pytest
from tests.support import models
from tests.support.flink import HUNG_UP, in_processes, stream_environment, streamed

from modelstream.deadletter import DeadLetter
from modelstream.functions import (
    dead_letters,
    map_with_model,
)
from modelstream.model import Predict, SavedModel

pytestmark = [pytest.mark.flink, HUNG_UP]


def test_a_record_on_which_the_function_raises_is_a_dead_letter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pyflink.common import Types

    in_processes(monkeypatch)
    env = stream_environment()
    kind = Types.TUPLE([Types.LONG(), Types.FLOAT()])
    numbers = env.from_collection([(1, 4.0), (2, -1.0), (3, 9.0), (4, 0.0)], kind)
    method = Predict(inputs={"x": "f1"})

    def root(record, model):
        return record[0], 1 / model.score(record, method)["root"]

    roots = map_with_model(
        numbers, SavedModel(models.picky()), root, output_type=kind, on_error=DeadLetter()
    )
    lines = roots.map(lambda pair: f"{pair[0]} {pair[1]:.3f}", Types.STRING())
    letters = dead_letters(roots).map(
        lambda row: json.dumps(
            [row.payload.decode(), row.stage, row.error_type, row.message, row.model]
        ),
        Types.STRING(),
    )
    scored, dead = [], {}
    for line in streamed(lines.union(letters)):
        if line.startswith("["):
            payload, *why = json.loads(line)
            dead[json.loads(payload)["f0"]] = why
        else:
            scored.append(line)
    assert scored == ["1 0.500", "3 0.333"]
    assert dead.keys() == {2, 4}
    assert dead[2][0] == "inference"
    assert "x is negative" in dead[2][2]
    assert dead[4][:2] == ["function", "ZeroDivisionError"]
    assert dead[4][3] == "picky"
