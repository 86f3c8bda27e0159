import copy
from collections.abc import Callable
from typing import Any

import pytest

from modelstream_crds.v1alpha1 import ModelStream
from modelstream_operator.render import Target
from modelstream_operator.settings import Settings

MINIMAL: dict[str, Any] = {
    "apiVersion": "modelstream.dev/v1alpha1",
    "kind": "ModelStream",
    "metadata": {
        "name": "scores",
        "namespace": "fraud",
        "uid": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
        "generation": 1,
    },
    "spec": {
        "models": [{"name": "fraud", "uri": "pvc://models/fraud"}],
        "pipeline": {
            "source": {
                "connector": "kafka",
                "format": "json",
                "schema": [{"name": "x", "type": "ARRAY<FLOAT>"}],
                "options": {"topic": "in"},
            },
            "inference": {"model": "fraud"},
            "sink": {"connector": "print"},
        },
    },
}

TargetMaker = Callable[..., Target]


def put(manifest: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy of the manifest with another value at a path such as ``spec.models.0.uri``."""
    changed = copy.deepcopy(manifest)
    place: Any = changed
    *way, last = [int(part) if part.isdigit() else part for part in path.split("/")]
    for part in way:
        place = place[part] if isinstance(part, int) else place.setdefault(part, {})
    place[last] = value
    return changed


@pytest.fixture
def target() -> TargetMaker:
    """Makes a Target of the minimal resource with changes: ``target({"spec/suspend": True})``."""

    def make(
        changes: dict[str, Any] | None = None, settings: Settings | None = None, **fields: Any
    ) -> Target:
        manifest = MINIMAL
        for path, value in (changes or {}).items():
            manifest = put(manifest, path, value)
        return Target(
            stream=ModelStream.model_validate(manifest),
            manifest=manifest,
            settings=settings or Settings(),
            **{"run": 1, **fields},
        )

    return make
