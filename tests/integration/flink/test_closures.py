"""Plain Python functions with models over DataStreams, in worker processes."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from tests.support import models
from tests.support.flink import HUNG_UP, in_processes, stream_environment, streamed
from tests.support.numpymodel import NumpyModel, called

from modelstream.errors import OptionError
from modelstream.failure import DeadLetter, Drop
from modelstream.flink.awaiting import async_with_model
from modelstream.flink.closures import (
    filter_with_model,
    flat_map_with_model,
    map_with_model,
    process_with_model,
)
from modelstream.flink.environment import configure
from modelstream.flink.letters import dead_letters
from modelstream.models import Predict, SavedModel
from modelstream.scoring.batch import Batch

pytestmark = [pytest.mark.flink, HUNG_UP]
BY_POSITION = Predict(inputs={"x": "f1"})
PAIRS = [(1, 4.0), (2, -1.0), (3, 9.0), (4, 0.0)]
NEGATIVE = "x is negative"


def as_line(row: Any) -> str:
    return "letter " + json.dumps(
        [json.loads(bytes(row.payload)), row.stage, row.error_type, row.message, row.model]
    )


def inverse_root(record: Any, model: Any) -> Any:
    return f"root {record[0]} {1 / model.score(record, BY_POSITION)['root']:.3f}"


async def inverse_root_later(record: Any, model: Any) -> Any:
    scored = await model.score(record, BY_POSITION)
    return f"later {record[0]} {1 / scored['root']:.3f}"


def sum_of_two(record: Any, first: Any, second: Any) -> Any:
    return f"both {first.predict(x=[record[1]])['y'][0] + second.score(record[1])['y']}"


def as_often(record: Any, model: Any) -> Any:
    return [f"often {record[0]}"] * int(model.score(record, BY_POSITION)["y"])


def large(record: Any, model: Any) -> bool:
    return model.score(record, BY_POSITION)["y"] > 10


def with_key(record: Any, ctx: Any, model: Any) -> Any:
    yield f"keyed {ctx.get_current_key()} {model.score(record, BY_POSITION)['y']}"


def test_each_kind_of_function_has_its_models_and_a_failure_costs_one_record(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from pyflink.common import Types

    in_processes(monkeypatch)
    env, text = stream_environment(), Types.STRING()
    pairs = env.from_collection(PAIRS, Types.TUPLE([Types.LONG(), Types.FLOAT()]))
    picky, double = SavedModel(models.picky()), NumpyModel()
    roots = map_with_model(pairs, picky, inverse_root, output_type=text, on_error=DeadLetter())
    later = async_with_model(
        pairs, picky, inverse_root_later, output_type=text, on_error=DeadLetter()
    )
    both = (double, NumpyModel(name="other"))
    keyed = pairs.key_by(lambda pair: pair[0] % 2, Types.LONG())
    often = flat_map_with_model(pairs, double, as_often, output_type=text, on_error=DeadLetter())
    larger = filter_with_model(pairs, double, large, on_error=DeadLetter())
    by_key = process_with_model(keyed, double, with_key, output_type=text, on_error=DeadLetter())
    lines = roots.union(
        *(dead_letters(each).map(as_line, text) for each in (roots, later, often, larger, by_key)),
        later,
        map_with_model(pairs, both, sum_of_two, output_type=text, on_error=Drop()),
        often,
        larger.map(lambda pair: f"large {pair[0]}", text),
        by_key,
    )
    found = defaultdict(list)
    for line in streamed(lines):
        name, said = line.split(" ", 1)
        found[name].append(said)
    letters = [json.loads(said) for said in found.pop("letter")]
    assert {name: sorted(said) for name, said in found.items()} == {
        "root": ["1 0.500", "3 0.333"],
        "later": ["1 0.500", "3 0.333"],
        "both": ["0.0", "16.0", "36.0"],
        "often": ["1"] * 8 + ["3"] * 18,
        "large": ["3"],
        "keyed": ["0 0.0", "1 18.0", "1 8.0"],
    }
    refused = [each for each in letters if each[-1] == "double"]
    assert refused == [[{"f0": 2, "f1": -1.0}, "inference", "ValueError", NEGATIVE, "double"]] * 3
    others = [each for each in letters if each not in refused]
    assert len(others) == 4
    for payload, stage, error, message, model in others:
        assert model == "picky"
        if payload["f0"] == 2:
            assert (stage, error) == ("inference", "InvalidArgumentError")
            assert NEGATIVE in message
        else:
            assert (payload["f0"], stage, error) == (4, "function", "ZeroDivisionError")


def sums(record: Any, model: Any) -> Any:
    return sum(scored["y"] for scored in model.score_all([record] * 20))


def test_a_function_calls_the_model_in_the_batches_of_the_job(tmp_path: Path) -> None:
    env = stream_environment()
    source = env.from_collection([1.0])
    map_with_model(source, NumpyModel(), sums)
    configure(env, Batch(16, allowed_sizes=(8, 16)))  # the one before has set nothing
    model = NumpyModel(tmp_path / "calls")
    assert streamed(map_with_model(source, model, sums)) == [40.0]
    assert called(model.calls) == [8, 16, 16, 8]  # two to warm up, then 20 records


def test_a_stream_without_dead_letters_says_so() -> None:
    numbers = map_with_model(
        stream_environment().from_collection([1.0]), NumpyModel(), lambda record, model: record
    )
    with pytest.raises(OptionError, match="make it with on_error=DeadLetter"):
        dead_letters(numbers)


@pytest.mark.parametrize("apply", [map_with_model, async_with_model])
def test_thread_mode_is_refused_before_the_job_starts(apply: Any) -> None:
    env = stream_environment({"python.execution-mode": "thread"})
    with pytest.raises(OptionError, match="TensorFlow can deadlock"):
        apply(env.from_collection([1.0]), NumpyModel(), lambda record, model: record)
