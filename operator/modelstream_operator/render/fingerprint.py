"""What a running job cannot change without a restart, as one hash."""

import dataclasses
from typing import Any

from modelstream_operator.render import jobmanager, pods, taskmanager
from modelstream_operator.render.config import flink_options, job_manifest
from modelstream_operator.render.signature import digest
from modelstream_operator.render.target import Target

IN_PLACE = ("suspend", "upgrade", "networkPolicy")
"""Fields of the spec that change nothing in the pods."""


def fingerprint(target: Target) -> str:
    """Equal for two specs when the pods of the one can go on with the other."""
    blank = dataclasses.replace(target, job_id="", restore_from=None, fingerprint="", running=True)
    roles = (jobmanager.role(blank), taskmanager.role(blank))
    return digest(
        {
            "spec": _spec(blank),
            "options": _options(blank),
            "pods": [pods.pod_template(blank, role) for role in roles],
        }
    )


def _spec(target: Target) -> dict[str, Any]:
    spec = dict(job_manifest(target)["spec"])
    for field in IN_PLACE:
        spec.pop(field, None)
    flink = spec.get("flink", {})
    flink.get("taskManager", {}).pop("replicas", None)
    return spec


def _options(target: Target) -> dict[str, str]:
    options = flink_options(target)
    if target.spec.flink.parallelism is None:
        options.pop("parallelism.default")
    return options
