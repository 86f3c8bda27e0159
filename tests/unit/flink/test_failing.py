"""Records on which the function around a model raises, as Flink hands them over, without Flink."""

import asyncio
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from tests.support.numpymodel import NumpyModel
from tests.support.online import Context

from modelstream import OnlineModel, embedded, infer
from modelstream.embedded import Tally
from modelstream.errors import BrokenModelError, OptionError, RecordFailedError
from modelstream.failure import DeadLetter, Drop, Fail, OnError
from modelstream.scoring.batch import Batch

pytestmark = pytest.mark.usefixtures("without_flink")


def closure(kind: str, fn: Callable[..., Any], on_error: OnError, *models: NumpyModel) -> Any:
    """A function in a closure of that kind: a record in, all that comes out."""
    from modelstream.flink import awaiting, closures

    models = models or (NumpyModel(),)
    if kind == "async":

        async def awaited(record: Any, *opened: Any) -> Any:
            result = fn(record, *opened)
            return await result if asyncio.iscoroutine(result) else result

        awaited.__name__ = fn.__name__
        made = awaiting._AsyncClosure(models, awaited, on_error, Batch())
        made.open(Context())
        return lambda record: asyncio.run(made.async_invoke(record))
    closed = closures._Closed(models, fn, getattr(closures, KINDS[kind]), on_error)
    made = closures._ModelClosure(closed, Batch())
    made.open(Context())
    return lambda record: made.process_element(record, None)


KINDS = {"map": "_one", "flat_map": "_many", "filter": "_matching", "process": "_processed"}
EVERY = [*KINDS, "async"]


def divided(record: Any, *opened: Any) -> Any:
    return 1 / record["x"]


def refused(record: Any, *opened: Any) -> Any:
    return opened[-1].score(record)  # a coroutine, where it is awaited


@pytest.mark.parametrize("kind", EVERY)
def test_fail_ends_the_job_with_an_error_that_names_the_record(kind: str) -> None:
    with pytest.raises(
        RecordFailedError,
        match=r"divided fails on the record \{'x': 0\}: function: ZeroDivisionError: division by "
        r"zero\. To go on without such records",
    ) as caught:
        closure(kind, divided, Fail())({"x": 0})
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert embedded.first() is caught.value


@pytest.mark.parametrize("kind", EVERY)
def test_fail_says_the_same_of_a_record_that_the_model_refuses(kind: str) -> None:
    with pytest.raises(
        RecordFailedError,
        match=r"model 'double' cannot score the record \{'x': -1.0\}: inference: ValueError: x is "
        r"negative\. To go on",
    ):
        closure(kind, refused, Fail())({"x": -1.0})


@pytest.mark.parametrize("kind", EVERY)
def test_a_dead_letter_leaves_instead_of_results(kind: str) -> None:
    lettered = closure(kind, divided, DeadLetter())
    (out,) = lettered({"x": 0, "raw": b"\xff"})
    letter = out[1]
    assert json.loads(bytes(letter.payload)) == {"x": 0, "raw": "/w=="}
    assert (letter.stage, letter.error_type) == ("function", "ZeroDivisionError")
    (refusal,) = closure(kind, refused, DeadLetter())({"x": -1.0})
    assert (refusal[1].stage, refusal[1].model) == ("inference", "double")


@dataclass(frozen=True)
class Verified(NumpyModel):
    digest: str = "sha256:7e1f"


@pytest.mark.parametrize("kind", EVERY)
def test_a_letter_names_the_files_of_the_one_model_that_it_is_about(kind: str) -> None:
    one, other = Verified(), Verified(name="other", digest="sha256:aa")
    (alone,) = closure(kind, divided, DeadLetter(), one)({"x": 0})
    (both,) = closure(kind, divided, DeadLetter(), one, other)({"x": 0})
    (last,) = closure(kind, refused, DeadLetter(), one, other)({"x": -1.0})
    told = [(letter.model, letter.model_digest) for _, letter in (alone, both, last)]
    assert told == [("double", one.digest), ("double, other", None), ("other", other.digest)]


@pytest.mark.parametrize("kind", EVERY)
@pytest.mark.parametrize("on_error", [DeadLetter(), Drop()])
def test_a_broken_model_ends_the_job_whatever_is_said_of_records(
    kind: str, on_error: OnError
) -> None:
    def score_many(record: Any, *opened: Any) -> Any:
        raise BrokenModelError("each of 9 records")

    with pytest.raises(BrokenModelError):
        closure(kind, score_many, on_error)({"x": 1.0})


def test_a_model_that_refuses_record_after_record_ends_the_job() -> None:
    function = closure("map", refused, DeadLetter(), NumpyModel(broken=True))
    for _ in range(31):
        function({"x": 1.0})
    with pytest.raises(BrokenModelError, match="refuses 32 records in a row"):
        function({"x": 1.0})


def test_bad_records_alone_never_end_the_job_of_a_healthy_model() -> None:
    function = closure("map", refused, DeadLetter())
    assert all(len(function({"x": -1.0})) == 1 for _ in range(100))


def test_results_that_come_before_a_failure_stay_behind() -> None:
    def two(record: Any, model: Any) -> Iterator[Any]:
        yield "first"
        yield 1 / 0

    ((_, letter),) = closure("flat_map", two, DeadLetter())({"x": 1})
    assert letter.error_type == "ZeroDivisionError"


@pytest.mark.parametrize(
    ("given", "out"), [(np.array([1.0, 2.0]), [1.0, 2.0]), (None, []), ((), [])]
)
@pytest.mark.parametrize("kind", ["flat_map", "process"])
def test_results_may_be_anything_that_can_be_walked_through(
    kind: str, given: Any, out: Any
) -> None:
    assert closure(kind, lambda *_: given, Fail())({"x": 1}) == out


def counted(act: Callable[[], Any]) -> Tally:
    before = embedded.total()
    act()
    return embedded.total() - before


def predicts(record: Any, *opened: Any) -> Any:
    return opened[0].predict(x=[record["x"]])


def before_the_model(record: Any, *opened: Any) -> Any:
    raise KeyError("x")


def after_the_model(record: Any, *opened: Any) -> Any:
    opened[0].score(record)
    raise KeyError("y")


@pytest.mark.parametrize("fn", [predicts, refused, before_the_model, after_the_model])
@pytest.mark.parametrize("kind", KINDS)
def test_a_record_that_fails_is_one_record_and_one_failure(kind: str, fn: Any) -> None:
    x = 1.0 if fn is after_the_model else -1.0
    function = closure(kind, fn, Drop(), NumpyModel(), NumpyModel(name="other"))
    assert counted(lambda: [function({"x": x}) for _ in range(3)]) == Tally(3, 3, 0)
    lettered = closure(kind, fn, DeadLetter())
    assert counted(lambda: lettered({"x": x})) == Tally(1, 1, 1)


async def awaited_before(record: Any, model: Any) -> Any:
    raise KeyError("x")


async def awaited_after(record: Any, model: Any) -> Any:
    await asyncio.gather(model.score(record))
    raise KeyError("y")


@pytest.mark.parametrize("fn", [awaited_before, awaited_after])
def test_of_an_awaited_model_too(fn: Any) -> None:
    function = closure("async", fn, Drop())
    assert counted(lambda: function({"x": 1.0})) == Tally(1, 1, 0)


@pytest.mark.parametrize(
    "given", [pytest.param("Fail", id="name"), pytest.param(DeadLetter, id="class"), None]
)
@pytest.mark.parametrize("kind", [*EVERY, "infer", "online"])
def test_an_on_error_that_would_lose_records_is_refused(kind: str, given: Any) -> None:
    uses = {
        "infer": lambda: infer(None, NumpyModel(), on_error=given),
        "online": lambda: OnlineModel(lambda: None, max, {}, {}, on_error=given),
    }
    use = uses.get(kind, lambda: closure(kind, divided, given))
    with pytest.raises(OptionError, match=r"it takes Fail\(\), Drop\(\) or DeadLetter\(\)"):
        use()
