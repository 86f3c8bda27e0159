"""What a change of each field does to a running job, and what needs a restart, as one hash."""

import dataclasses
from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from modelstream_operator.render import jobmanager, pods, taskmanager
from modelstream_operator.render.config import flink_options, job_manifest
from modelstream_operator.render.signature import digest
from modelstream_operator.render.target import Target


class Effect(StrEnum):
    """What becomes of a running job when a field changes."""

    NOTHING = "nothing"
    """The pods go on: the field concerns the operator, or another object."""

    SCALE = "scale"
    """Pods come or go, and the adaptive scheduler rescales the job in place."""

    RESTART = "restart"


EFFECTS: Mapping[str, Effect] = MappingProxyType(
    {
        "models": Effect.RESTART,
        "pipeline": Effect.RESTART,
        "sql": Effect.RESTART,
        "python": Effect.RESTART,
        "gpu": Effect.RESTART,
        "flink": Effect.RESTART,
        "flink.taskManager.replicas": Effect.SCALE,
        "state": Effect.RESTART,
        "upgrade": Effect.NOTHING,
        "suspend": Effect.NOTHING,
        "restartNonce": Effect.RESTART,
        "networkPolicy": Effect.NOTHING,
    }
)
"""By field of the spec; a longer path wins over a shorter one. ``suspend`` changes no pod's
template either: the life cycle takes the pods away and brings the same ones back."""


def fingerprint(target: Target) -> str:
    """Equal for two specs when the pods of the one can go on with the other."""
    blank = dataclasses.replace(
        target, run=0, job_id="", restore_from=None, fingerprint="", running=True
    )
    roles = (jobmanager.role(blank), taskmanager.role(blank))
    return digest(
        {
            "spec": _spec(blank),
            "options": _options(blank),
            "pods": [pods.pod_template(blank, role) for role in roles],
        }
    )


def _spec(target: Target) -> dict[str, Any]:
    """The fields whose change is a restart."""
    spec: dict[str, Any] = job_manifest(target)["spec"]
    for path, effect in EFFECTS.items():
        if effect is not Effect.RESTART:
            *way, last = path.split(".")
            place = spec
            for field in way:
                place = place.get(field, {})
            place.pop(last, None)
    return spec


def _options(target: Target) -> dict[str, str]:
    """Without the parallelism that follows from the number of TaskManagers."""
    options = flink_options(target)
    if target.spec.flink.parallelism is None:
        options.pop("parallelism.default")
    return options
