"""What becomes of a running job when its spec changes."""

import re
from typing import Any

import pytest
from tests.support.resource_cases import edited

from modelstream_crds.crd import custom_resource_definition
from modelstream_crds.diff import EFFECTS, Difference, Effect, diff, effect
from modelstream_crds.v1alpha1 import ModelStream, ModelStreamSpec

STATE = {"storage": "pvc://data/jobs", "checkpointInterval": "30s"}


def spec(changes: dict[str, Any] | None = None) -> ModelStreamSpec:
    return ModelStream.model_validate(edited({"spec.state": STATE, **(changes or {})})).spec


@pytest.mark.parametrize(
    ("old", "new"),
    [
        pytest.param(
            {"spec.state": STATE},
            {"spec.state": {"storage": "pvc://data/jobs/", "checkpointInterval": "30000ms"}},
            id="a slash and a duration",
        ),
        pytest.param(
            {"spec.flink": {"taskManager": {"resources": {"limits": {"memory": "4Gi", "cpu": 1}}}}},
            {
                "spec.flink": {
                    "taskManager": {"resources": {"limits": {"memory": "4096Mi", "cpu": "1000m"}}}
                }
            },
            id="quantities",
        ),
        pytest.param({}, {"spec.flink": {"parallelism": 1}}, id="the parallelism that it has"),
        pytest.param({}, {"spec.flink": {"configuration": {}}}, id="an empty mapping"),
        pytest.param({}, {"spec.flink": {"runtimeMode": "Streaming"}}, id="a default"),
        pytest.param(
            {"spec.gpu": {"count": 1, "minMemory": "40Gi"}},
            {"spec.gpu": {"minMemory": "40960Mi", "products": []}},
            id="the same GPU",
        ),
    ],
)
def test_another_spelling_of_the_same_is_no_change(
    old: dict[str, Any], new: dict[str, Any]
) -> None:
    assert diff(spec(old), spec(new)) == Difference(Effect.NOTHING)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(
            {"spec.flink": {"taskManager": {"replicas": 3}}},
            Difference(Effect.SCALE, ("spec.flink.taskManager.replicas",)),
            id="replicas",
        ),
        pytest.param(
            {"spec.flink": {"parallelism": 4}},
            Difference(Effect.RESTART, ("spec.flink.parallelism",)),
            id="parallelism",
        ),
        pytest.param(
            {"spec.flink": {"taskManager": {"replicas": 3}, "configuration": {"a.b": "c"}}},
            Difference(
                Effect.RESTART,
                ("spec.flink.configuration[a.b]", "spec.flink.taskManager.replicas"),
            ),
            id="the strongest of several",
        ),
        pytest.param({"spec.suspend": True}, Difference(Effect.NOTHING, ("spec.suspend",)), id="s"),
        pytest.param(
            {"spec.flink": {"taskManager": {"podTemplate": {"spec": {"volumes": []}}}}},
            Difference(Effect.RESTART, ("spec.flink.taskManager.podTemplate[spec][volumes]",)),
            id="an empty list of a podTemplate",
        ),
    ],
)
def test_a_change_is_told_with_its_fields(change: dict[str, Any], expected: Difference) -> None:
    assert diff(spec(), spec(change)) == expected


ELSEWHERE = {"spec.state": {**STATE, "storage": "pvc://other/jobs"}}
BATCH = {"spec.flink": {"runtimeMode": "Batch"}}
STATELESS = {"spec.upgrade": {"mode": "Stateless"}}


@pytest.mark.parametrize(
    ("change", "field"),
    [
        pytest.param(ELSEWHERE, "spec.state.storage", id="another claim"),
        pytest.param(
            {"spec.state": {**STATE, "storage": "pvc://data/elsewhere"}},
            "spec.state.storage",
            id="another path of the claim",
        ),
        pytest.param(
            {"spec.state": {"storage": "s3://b/x"}, "spec.upgrade": {"mode": "Savepoint"}},
            "spec.state.storage",
            id="S3",
        ),
        pytest.param({"spec.state": None}, "spec.state", id="no state any more"),
        pytest.param(BATCH, "spec.flink.runtimeMode", id="a batch job"),
    ],
)
def test_state_that_the_new_job_could_not_go_on_from_is_not_left_behind_in_silence(
    change: dict[str, Any], field: str
) -> None:
    found = diff(spec(), spec(change))
    assert found.effect is Effect.REFUSE
    assert re.match(rf"{field}: .*pvc://data/jobs.* again; to begin without it, ", found.message)
    if "spec.upgrade" not in change:
        assert diff(spec(), spec({**change, **STATELESS})).effect is Effect.RESTART


@pytest.mark.parametrize(
    ("old", "change"),
    [
        pytest.param({"spec.state": None}, {}, id="state is added"),
        pytest.param(BATCH, {}, id="a batch job has none"),
        pytest.param(BATCH, {**BATCH, **ELSEWHERE}, id="also one that moves"),
        pytest.param(BATCH, {**BATCH, "spec.state": None}, id="or gives its place up"),
    ],
)
def test_where_there_is_no_state_nothing_of_it_is_refused(
    old: dict[str, Any], change: dict[str, Any]
) -> None:
    assert diff(spec(old), spec(change)).effect is Effect.RESTART


def test_state_may_move_from_one_bucket_to_another() -> None:
    old, new = ({"spec.state": {"storage": f"s3://{name}/x"}} for name in ("a", "b"))
    assert diff(spec(old), spec(new)).effect is Effect.RESTART


def test_every_entry_of_the_table_is_a_field() -> None:
    root = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    for path in EFFECTS:
        schema = root["properties"]["spec"]
        for field in path.split("."):
            schema = schema["properties"][field]


def test_a_field_without_an_effect_is_an_error() -> None:
    with pytest.raises(KeyError):
        effect("flink.taskManager.unheard")
