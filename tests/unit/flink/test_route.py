"""The route that a stream's records take, and the reason for it."""

from datetime import timedelta

import pytest

from modelstream.errors import OptionError
from modelstream.flink.route import Route, choose
from modelstream.scoring.batch import Batch

TYPES = {"x": "FLOAT", "m": "MAP<STRING, FLOAT>"}
HASTE = Batch(max_latency=timedelta(milliseconds=5))


@pytest.mark.parametrize(
    ("inputs", "types", "batch", "route", "reason"),
    [
        pytest.param(["x"], TYPES, Batch(), Route.ARROW, "has a type", id="typed"),
        pytest.param(["x"], {}, Batch(), Route.ASYNC, "Python objects", id="objects"),
        pytest.param(["m"], TYPES, Batch(), Route.ASYNC, "'m' is MAP", id="map"),
        pytest.param(["x"], TYPES, HASTE, Route.ASYNC, "may wait 5 ms", id="haste"),
        pytest.param(["x"], TYPES, Batch(1), Route.RECORD, "nothing to gather", id="single"),
    ],
)
def test_auto_explains_its_choice(inputs, types, batch, route, reason) -> None:
    choice = choose("auto", inputs, types, batch)
    assert choice.route is route
    assert reason in choice.reason


@pytest.mark.parametrize("wanted", [Route.ARROW, Route.ASYNC, Route.RECORD])
def test_what_the_user_asks_for_is_taken(wanted: Route) -> None:
    assert choose(wanted, ["x"], TYPES, HASTE).route is wanted


def test_arrow_is_refused_for_objects_with_the_way_out() -> None:
    with pytest.raises(OptionError, match=r"Python objects.*state its type.*async or record"):
        choose("arrow", ["x"], {}, Batch())


def test_an_unknown_path_is_refused() -> None:
    with pytest.raises(OptionError, match="'fast'; it takes auto, arrow, async, record"):
        choose("fast", ["x"], TYPES, Batch())


def test_what_python_would_cut_goes_through_arrow_or_is_refused_with_the_way_out() -> None:
    cut = "the column 't' is TIMESTAMP(9), of which Python has microseconds"
    for batch in (Batch(), HASTE, Batch(1)):
        choice = choose("auto", ["x"], TYPES, batch, cut)
        assert (choice.route, choice.reason) == (Route.ARROW, cut)
    assert choose("arrow", ["x"], TYPES, Batch(), cut).route is Route.ARROW
    for route in ("async", "record"):
        with pytest.raises(OptionError, match=r"'t' is TIMESTAMP\(9\).*choose arrow, .*CAST it"):
            choose(route, ["x"], TYPES, Batch(), cut)
    with pytest.raises(OptionError, match=r"'t' is TIMESTAMP\(9\).*'m' is MAP.*CAST one of them"):
        choose("auto", ["m"], TYPES, Batch(), cut)
