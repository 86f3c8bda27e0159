"""A plan is held against the columns of its source, whatever the path of the records."""

import pytest
from tests.support.numpymodel import NumpyModel

from modelstream.errors import OptionError, SignatureMismatchError
from modelstream.models import Predict
from modelstream.scoring.plan import Plan

COLUMNS = {"id": "BIGINT", "x": "FLOAT"}


def test_all_columns_go_on_where_nothing_is_said() -> None:
    assert Plan.of(NumpyModel()).over(COLUMNS, COLUMNS).kept == ("id", "x")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"key": "idd"}, r"key names the column 'idd'.*mean 'id'", id="key"),
        pytest.param(
            {"keep": ["nope"]}, "keep names the column 'nope'.*it has 'id', 'x'", id="keep"
        ),
        pytest.param({"outputs": {"id": "y"}}, "'id' comes from the stream and from", id="output"),
    ],
)
def test_a_column_that_cannot_be_is_named_with_what_is_there(
    options: dict[str, object], message: str
) -> None:
    plan = Plan.of(NumpyModel(), **options)  # type: ignore[arg-type]  # one of its options
    with pytest.raises(SignatureMismatchError, match=message):
        plan.over(COLUMNS, COLUMNS)


def test_a_key_is_looked_for_in_each_record_where_no_columns_are_known() -> None:
    assert Plan.of(NumpyModel(), key="who", keep=[]).over({}).key == "who"


def test_what_stands_in_the_method_is_overridden_and_a_method_of_one_s_own_is_not() -> None:
    method = Predict(inputs={"x": "amount"}, outputs={"twice": "y"})
    bound = Plan.of(NumpyModel(), method, outputs={"score": "y"}).bound
    assert tuple(bound.inputs) == ("amount",)
    assert [column.name for column in bound.output_columns] == ["score"]

    class Own:
        def bind(self, model: object) -> object:
            return bound

    with pytest.raises(OptionError, match="outputs go into Own itself"):
        Plan.of(NumpyModel(), Own(), outputs={"score": "y"})  # type: ignore[arg-type]  # a method
