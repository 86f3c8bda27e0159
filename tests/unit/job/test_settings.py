"""Flink options that a job is made with."""

from typing import Any

import pytest

from modelstream.job.context import JobContext
from modelstream.job.secrets import Secrets
from modelstream.job.settings import OBJECT_REUSE, job_options
from modelstream_crds.v1alpha1 import ModelStreamSpec


def end(connector: str) -> dict[str, Any]:
    return {"connector": connector, "format": "json"}


def options(
    source: str, sink: str, letters: str | None = None, local: bool = True, **flink: str
) -> dict[str, str]:
    pipeline: dict[str, Any] = {
        "source": end(source) | {"schema": [{"name": "x", "type": "FLOAT"}]},
        "inference": {"model": "m", "onError": "DeadLetter" if letters else "Fail"},
        "sink": end(sink),
    }
    if letters is not None:
        pipeline["deadLetter"] = end(letters)
    spec = ModelStreamSpec.model_validate(
        {
            "models": [{"name": "m", "uri": "file:///m"}],
            "pipeline": pipeline,
            "flink": {"configuration": flink},
        }
    )
    context = JobContext(local=local)
    return job_options(spec, context, Secrets(context.secret), ())


@pytest.mark.parametrize("local", [pytest.param(True, id="here"), pytest.param(False, id="a pod")])
def test_a_pipeline_of_known_connectors_is_not_copied_from_operator_to_operator(
    local: bool,
) -> None:
    assert options("kafka", "filesystem", "upsert-kafka", local)[OBJECT_REUSE] == "true"


@pytest.mark.parametrize(
    "ends",
    [
        pytest.param(("datagen", "kafka"), id="source"),
        pytest.param(("kafka", "pulsar"), id="sink"),
        pytest.param(("kafka", "kafka", "pulsar"), id="dead letters"),
    ],
)
def test_a_connector_that_may_keep_a_row_gets_a_copy(ends: tuple[str, ...]) -> None:
    assert OBJECT_REUSE not in options(*ends)


def test_what_the_manifest_says_of_copies_stands() -> None:
    assert options("kafka", "kafka", **{OBJECT_REUSE: "false"})[OBJECT_REUSE] == "false"
    assert (
        options("kafka", "kafka", None, False, **{OBJECT_REUSE: "false"})[OBJECT_REUSE] == "false"
    )
