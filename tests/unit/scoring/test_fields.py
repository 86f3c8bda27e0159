"""Records of streams as columns."""

from typing import Any, NamedTuple

import pytest
from pyflink.common import Row

from modelstream.convert.fields import named
from modelstream.failure import Stage
from modelstream.scoring.records import extracted


class Point(NamedTuple):
    a: int
    b: int


def unnamed(*values: Any) -> Row:
    return Row(*values)


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        pytest.param({"a": 1, "b": 2}, {"a": 1, "b": 2}, id="dict"),
        pytest.param(Row(a=1, b=2), {"a": 1, "b": 2}, id="row"),
        pytest.param(unnamed(1, 2), {"f0": 1, "f1": 2}, id="row-without-names"),
        pytest.param((1, 2), {"f0": 1, "f1": 2}, id="tuple"),
        pytest.param(Point(1, 2), {"a": 1, "b": 2}, id="named-tuple"),
        pytest.param(3.5, {"f0": 3.5}, id="number"),
        pytest.param([1, 2], {"f0": [1, 2]}, id="list"),
        pytest.param(None, {"f0": None}, id="null"),
    ],
)
def test_a_record_has_fields_by_name(record: Any, expected: dict[str, Any]) -> None:
    assert named(record) == expected


def test_a_plain_value_feeds_the_only_column_whatever_it_is_called() -> None:
    assert extracted([1.0, 2.0], ["x"]).rows.columns == {"x": [1.0, 2.0]}


def test_a_record_that_lacks_a_field_fails_alone() -> None:
    given = extracted([{"x": 1}, {"y": 2}, {"x": 3}], ["x"])
    assert given.rows.columns == {"x": [1, 3]}
    assert given.failures.keys() == {1}
    assert given.failures[1].stage is Stage.ENCODE
    assert given.failures[1].message == "the record has no field 'x'; it has 'y'"
    assert given.spread(["a", "c"]) == ["a", None, "c"]


def test_a_plain_value_cannot_feed_two_columns() -> None:
    given = extracted([7], ["a", "b"])
    assert "the record is one int, and the model reads 'a', 'b'" in given.failures[0].message
