"""The reasons that a condition can give, and the table of them in the documentation."""

from pathlib import Path

from modelstream_crds.v1alpha1 import ConditionType
from modelstream_operator.decide.problem import Reason, table

GUIDE = Path(__file__).parents[3] / "docs" / "operator.md"


def test_the_guide_has_the_table_of_reasons() -> None:
    assert table() in GUIDE.read_text(), "write what modelstream_operator.decide.problem.table says"


def test_every_reason_names_conditions_that_there_are() -> None:
    known = {each.value for each in ConditionType} | {"any"}
    assert {name for each in Reason for name in each.conditions.split(", ")} <= known
