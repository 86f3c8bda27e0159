import pytest
from tests.support.controlplane import ApiError, ControlPlane
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

from modelstream_crds.rules import every_rule
from modelstream_crds.v1alpha1 import ModelStream

pytestmark = pytest.mark.apiserver

OBJECTS = "/apis/modelstream.dev/v1alpha1/namespaces/default/modelstreams"
_MESSAGES = {rule.name: rule.message for rule in every_rule(ModelStream)}


def _params(cases):
    return [pytest.param(case, edits, id=name) for name, case, edits in cases]


def _apply(plane: ControlPlane, edits: Edits) -> None:
    manifest = edited(edits)
    plane.server_side_apply(f"{OBJECTS}/{manifest['metadata']['name']}", manifest, dryRun="All")


def _causes(error: ApiError) -> list[tuple[str, str]]:
    causes = error.status["details"]["causes"]
    return [(plain_path(cause.get("field", "")), cause["message"]) for cause in causes]


@pytest.mark.parametrize(("case", "edits"), _params(accepted(RULES + SCHEMA)))
def test_what_keeps_the_rule_is_accepted(plane: ControlPlane, case: Case, edits: Edits) -> None:
    _apply(plane, edits)


@pytest.mark.parametrize(
    ("case", "edits"), _params(rejected(tuple(case for case in RULES if case.server)))
)
def test_what_breaks_a_rule_is_refused_where_it_stands_with_what_to_write(
    plane: ControlPlane, case: Case, edits: Edits
) -> None:
    with pytest.raises(ApiError) as refusal:
        _apply(plane, edits)
    assert refusal.value.code == 422
    told = [message for path, message in _causes(refusal.value) if path == plain_path(case.path)]
    assert any(message.endswith(_MESSAGES[case.rule]) for message in told), refusal.value.message


@pytest.mark.parametrize(("case", "edits"), _params(rejected(SCHEMA)))
def test_what_does_not_fit_the_schema_is_refused_where_it_stands(
    plane: ControlPlane, case: Case, edits: Edits
) -> None:
    with pytest.raises(ApiError) as refusal:
        plane.request("POST", f"{OBJECTS}?dryRun=All&fieldValidation=Strict", edited(edits))
    assert plain_path(case.path) in plain_path(refusal.value.message), refusal.value.message
    assert case.says in refusal.value.message


@pytest.mark.parametrize(
    ("case", "edits"), _params(rejected(tuple(case for case in RULES if not case.server)))
)
def test_what_cel_cannot_see_is_left_to_validate_and_the_operator(
    plane: ControlPlane, case: Case, edits: Edits
) -> None:
    _apply(plane, edits)
