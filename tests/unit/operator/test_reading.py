"""What no schema knows may hold anything: it is refused, and never ends a pass."""

from collections.abc import Callable
from typing import Any

import pytest

from modelstream_operator.decide.acceptance import SpecRefusedError
from modelstream_operator.reading import workable
from modelstream_operator.render import Target
from modelstream_operator.settings import Settings

TEMPLATE = "spec/flink/taskManager/podTemplate"
ODD = {
    "a profile": {"spec": {"securityContext": {"seccompProfile": "RuntimeDefault"}}},
    "windows": {"spec": {"securityContext": {"windowsOptions": [1]}}},
    "dropped": {"spec": {"securityContext": {"capabilities": {"drop": 5}}}},
    "capabilities": {
        "spec": {"containers": [{"name": "x", "securityContext": {"capabilities": 1}}]}
    },
    "a claim": {"spec": {"volumes": [{"name": "x", "persistentVolumeClaim": "data"}]}},
}


@pytest.mark.parametrize("template", ODD.values(), ids=ODD.keys())
def test_a_template_that_is_no_pod_is_refused(
    target: Callable[..., Target], template: dict[str, Any]
) -> None:
    made = target({TEMPLATE: template}).manifest
    with pytest.raises(SpecRefusedError, match="podTemplate"):
        workable({**made, "apiVersion": "modelstream.dev/v1alpha1"}, Settings())


def test_one_that_can_be_rendered_is_not(target: Callable[..., Target]) -> None:
    made = target({TEMPLATE: {"spec": {"priorityClassName": "high"}}}).manifest
    stream = workable({**made, "apiVersion": "modelstream.dev/v1alpha1"}, Settings())
    assert stream.spec.flink.task_manager.pod_template
