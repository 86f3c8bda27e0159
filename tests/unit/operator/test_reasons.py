"""The reasons that a condition can give, and what the guide says about them."""

import re

from docs.tables import GUIDE, with_tables

from modelstream_crds.v1alpha1 import ConditionType
from modelstream_operator.decide.news import EventReason
from modelstream_operator.decide.problem import Reason


def test_the_guide_has_the_tables_of_the_code() -> None:
    text = GUIDE.read_text()

    assert with_tables(text) == text, "run `make reference`"


def test_every_reason_names_conditions_that_there_are() -> None:
    known = {each.value for each in ConditionType} | {"any"}
    assert {name for each in Reason for name in each.conditions.split(", ")} <= known


def test_the_docs_say_what_to_do_about_every_reason_that_is_not_well() -> None:
    text = GUIDE.read_text()
    advice = text.split("### What to do", 1)[1].split("\n## ", 1)[0]
    advised = {word for line in advice.splitlines() for word in _reasons(line)}

    ours = {each.value for each in Reason if not each.told.startswith("True")}
    assert advised >= ours
    assert advised - ours == _of_others(text), "no reason that nobody gives, and none left out"


def test_the_guide_says_what_each_event_tells() -> None:
    table = GUIDE.read_text().split("\n## Events\n", 1)[1].split("\n## ", 1)[0]

    told = [word for line in table.splitlines() for word in _reasons(line)]
    assert sorted(told) == sorted(EventReason)


def _of_others(text: str) -> set[str]:
    """Reasons that containers and Flink give."""
    table = text.split("Containers, and Flink, have reasons of their own:", 1)[1]
    rows = table.split("\n### ", 1)[0].splitlines()
    return {word for line in rows for word in _reasons(line)}


def _reasons(line: str) -> list[str]:
    """The words in the first column of a row."""
    first = line.removeprefix("|").partition("|")[0] if line.startswith("| `") else ""
    return re.findall(r"`(\w+)`", first)
