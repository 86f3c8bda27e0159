import json

import pytest
import yaml
from tests.support.resource_cases import (
    RULES,
    SCHEMA,
    Case,
    Edits,
    accepted,
    edited,
    plain_path,
    rejected,
)

from modelstream_crds.manifest import ManifestError, load
from modelstream_crds.rules import every_rule
from modelstream_crds.v1alpha1 import ModelStream

_RULES = {rule.name: rule for rule in every_rule(ModelStream)}


def _params(cases):
    return [pytest.param(case, edits, id=name) for name, case, edits in cases]


@pytest.mark.parametrize(("case", "edits"), _params(accepted(RULES + SCHEMA)))
def test_what_keeps_the_rule_is_accepted(case: Case, edits: Edits) -> None:
    assert load(yaml.safe_dump(edited(edits))).kind == "ModelStream"


@pytest.mark.parametrize(("case", "edits"), _params(rejected(RULES)))
def test_what_breaks_a_rule_is_refused_where_it_stands_with_what_to_write(
    case: Case, edits: Edits
) -> None:
    with pytest.raises(ManifestError) as refusal:
        load(yaml.safe_dump(edited(edits)))
    told = [
        p.message for p in refusal.value.problems if plain_path(p.path) == plain_path(case.path)
    ]
    assert case.told(_RULES[case.rule].message) in told


@pytest.mark.parametrize(("case", "edits"), _params(rejected(SCHEMA)))
def test_what_does_not_fit_the_schema_is_refused_where_it_stands(case: Case, edits: Edits) -> None:
    with pytest.raises(ManifestError) as refusal:
        load(json.dumps(edited(edits)))
    (problem,) = refusal.value.problems
    assert plain_path(problem.path) == plain_path(case.path)
    assert case.says in problem.message


def test_every_rule_has_cases_that_keep_and_that_break_it() -> None:
    assert {case.rule for case in RULES} == set(_RULES)
    assert all(case.accept and case.reject for case in RULES)


def test_the_table_says_which_rules_the_api_server_cannot_check() -> None:
    assert {case.rule for case in RULES if not case.server} == {
        name for name, rule in _RULES.items() if rule.cel is None
    }


@pytest.mark.parametrize("rule", [pytest.param(r, id=n) for n, r in _RULES.items()])
def test_every_message_says_what_to_do(rule) -> None:
    assert any(word in rule.message for word in ("write", "leave", "choose")), rule.message
