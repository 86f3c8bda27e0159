"""Whether what a job publishes may arrive exactly once."""

from typing import Any

import pytest
from tests.unit.operator.conftest import MINIMAL, put

from modelstream_crds.delivery import may_publish_once
from modelstream_crds.v1alpha1 import ModelStream

SINK = "spec.pipeline.sink".replace(".", "/")


def spec(changes: dict[str, Any]) -> Any:
    manifest = MINIMAL
    for path, value in changes.items():
        manifest = put(manifest, path, value)
    return ModelStream.model_validate(manifest).spec


@pytest.mark.parametrize(
    ("changes", "once"),
    [
        pytest.param({}, False, id="print"),
        pytest.param({SINK: {"connector": "kafka", "format": "json"}}, False, id="kafka"),
        pytest.param(
            {
                SINK: {
                    "connector": "kafka",
                    "options": {"sink.delivery-guarantee": "exactly-once"},
                }
            },
            True,
            id="kafka with transactions",
        ),
        pytest.param({SINK: {"connector": "filesystem", "format": "json"}}, True, id="files"),
        pytest.param(
            {"spec/pipeline/deadLetter": {"connector": "filesystem"}},
            True,
            id="dead letters in files",
        ),
        pytest.param(
            {"spec/pipeline": None, "spec/sql": {"statements": "SELECT 1"}}, True, id="sql"
        ),
    ],
)
def test_what_may_be_published_once(changes: dict[str, Any], once: bool) -> None:
    assert may_publish_once(spec(changes)) is once
