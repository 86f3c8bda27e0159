"""The rows that leave a function over a DataStream."""

import pytest
from pyflink.common import Row, RowKind

from modelstream.flink.operators import RowMaker


@pytest.mark.parametrize("kind", list(RowKind))
def test_a_row_is_of_the_update_that_its_record_is_of(kind: RowKind) -> None:
    record = Row.of_kind(kind, 1, 2.0)
    record.set_field_names(["id", "x"])
    made = RowMaker(("id",), ("y",), None).row(record, {"y": 4.0})
    assert (list(made), made.get_row_kind()) == ([1, 4.0], kind)


def test_a_row_of_what_is_not_a_row_is_an_insert() -> None:
    made = RowMaker(("x",), ("y",), None).row({"x": 2.0}, {"y": 4.0})
    assert (list(made), made.get_row_kind()) == ([2.0, 4.0], RowKind.INSERT)
