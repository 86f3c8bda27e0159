"""What a cluster shows of a ModelStream named ``scores``: its pods, nodes and claims."""

from datetime import UTC, datetime, timedelta
from typing import Any

from modelstream_operator.decide.diagnosis import Scene, diagnose
from modelstream_operator.decide.problem import Problem

NOW = datetime(2026, 1, 1, 12, 0, 0, tzinfo=UTC)


def pod(component: str = "taskmanager", age: float = 60, **status: Any) -> dict[str, Any]:
    return {
        "kind": "Pod",
        "metadata": {
            "name": f"scores-{component}-1",
            "namespace": "fraud",
            "labels": {"app.kubernetes.io/component": component},
            "creationTimestamp": (NOW - timedelta(seconds=age)).isoformat(),
        },
        "spec": {"nodeName": "", "volumes": []},
        "status": {"phase": "Pending", **status},
    }


def waiting(reason: str, message: str = "", name: str = "main", **more: Any) -> dict[str, Any]:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"name": name, "image": "r:1", "ready": False, "state": state, **more}


def ended(code: int, message: str = "", reason: str = "Error") -> dict[str, Any]:
    return {"terminated": {"exitCode": code, "message": message, "reason": reason}}


def unscheduled(message: str, **more: Any) -> dict[str, Any]:
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}
    return pod(conditions=[{**condition, "message": message}], **more)


def node(name: str, gpus: int = 0, **labels: str) -> dict[str, Any]:
    shown = {f"nvidia.com/gpu.{key}": value for key, value in labels.items()}
    return {
        "metadata": {"name": name, "labels": shown},
        "spec": {"taints": []},
        "status": {"allocatable": {"nvidia.com/gpu": str(gpus)} if gpus else {}},
    }


def claim(mode: str = "ReadWriteMany") -> dict[str, Any]:
    return {"spec": {"accessModes": [mode]}, "status": {"phase": "Bound"}}


def only(scene: Scene) -> Problem:
    """The one problem that it shows."""
    (problem,) = diagnose(scene)
    return problem
