"""Why a pod finds no node: which label matches none, or how many GPUs are missing where."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from modelstream_crds.v1alpha1 import ConditionType
from modelstream_operator.decide.problem import Problem, Reason
from modelstream_operator.render import gpu
from modelstream_operator.render.target import Target
from modelstream_operator.resources import Manifest

_MISSING_CLAIM = re.compile(r'persistentvolumeclaim "([^"]+)" not found')
_NO_CLAIMS = re.compile(r"\s*no new claims to deallocate,?")
"""What schedulers say of dynamic resources, whether a pod asks for some or not."""
_BINDING = ("unbound immediate PersistentVolumeClaims", "object has been modified", "being bound")


def unschedulable(
    message: str, takes_gpu: bool, target: Target, nodes: Sequence[Manifest]
) -> Problem:
    """The scheduler's words, made precise where the nodes may be read."""
    words = _NO_CLAIMS.sub("", message.partition(" preemption:")[0]).strip().rstrip(".,")
    if missing := _MISSING_CLAIM.search(message):
        claim = missing[1]
        text = f"PersistentVolumeClaim {claim} does not exist: create it, or correct pvc://{claim}"
        return Problem(ConditionType.MODELS_AVAILABLE, Reason.CLAIM_NOT_FOUND, text)
    if is_binding(message):
        text = f"a claim is not bound to a volume: {words}"
        return Problem(ConditionType.MODELS_AVAILABLE, Reason.CLAIM_NOT_BOUND, text)
    if takes_gpu and target.gpus:
        reason, detail = _gpu_reason(words, target, nodes)
        text = f"{detail} ({words})" if detail else words
        return Problem(ConditionType.GPU_AVAILABLE, reason, text)
    return Problem(
        ConditionType.JOB_RUNNING, Reason.UNSCHEDULABLE, words + _too_much(words, takes_gpu)
    )


def _too_much(words: str, taskmanager: bool) -> str:
    """Which field asks for more than any node has free."""
    short = [name for name in ("cpu", "memory") if f"Insufficient {name}" in words]
    role = "taskManager" if taskmanager else "jobManager"
    fields = {"cpu": "requests.cpu", "memory": "limits.memory"}
    asked = " and ".join(f"spec.flink.{role}.resources.{fields[name]}" for name in short)
    return f": lower {asked}, or add a node" if short else ""


def is_binding(message: str) -> bool:
    """Whether the scheduler waits for a claim, which is ordinary for some seconds."""
    return any(sign in message for sign in _BINDING)


def _gpu_reason(words: str, target: Target, nodes: Sequence[Manifest]) -> tuple[Reason, str]:
    wanted = gpu.wanted(target)
    if wanted is None or not nodes:
        lacking = wanted is not None and f"Insufficient {wanted.resource_name}" in words
        return (Reason.INSUFFICIENT_GPU if lacking else Reason.UNSCHEDULABLE), ""
    matching = list(nodes)
    for rule in [*_selector(target), *gpu.requirements(wanted)]:
        left = [node for node in matching if matches(_labels(node), rule)]
        if not left:
            return Reason.NO_MATCHING_NODE, _no_label(rule, matching, len(nodes))
        matching = left
    having = {_name(node): _amount(node, wanted.resource_name) for node in matching}
    if max(having.values()) < wanted.count:
        return Reason.INSUFFICIENT_GPU, _too_few(wanted.resource_name, wanted.count, having)
    if f"Insufficient {wanted.resource_name}" in words:
        total = sum(having.values())
        asked = f"{target.replicas} x {wanted.count}" if target.replicas > 1 else str(wanted.count)
        detail = (
            f"{asked} {wanted.resource_name} asked for, {total} on the matching nodes"
            f" ({_listed(having)}), and too few of them are free"
        )
        return Reason.INSUFFICIENT_GPU, detail
    return Reason.UNSCHEDULABLE, ""


def _selector(target: Target) -> list[dict[str, Any]]:
    """Node selectors of the GPU block and of the podTemplate, as match expressions."""
    wanted = target.spec.gpu
    template = target.spec.flink.task_manager.pod_template.get("spec") or {}
    labels = {**(wanted.node_selector if wanted else {}), **(template.get("nodeSelector") or {})}
    return [{"key": key, "operator": "In", "values": [value]} for key, value in labels.items()]


def matches(labels: Mapping[str, str], rule: Mapping[str, Any]) -> bool:
    """Whether a node's labels satisfy one match expression."""
    value = labels.get(rule["key"])
    values = rule.get("values", ())
    match rule["operator"]:
        case "In":
            return value in values
        case "NotIn":
            return value not in values
        case "Exists":
            return value is not None
        case "DoesNotExist":
            return value is None
        case "Gt":
            return value is not None and value.isdigit() and int(value) > int(values[0])
    return True


def _no_label(rule: Mapping[str, Any], nodes: Sequence[Manifest], total: int) -> str:
    """Which label no node has, and what they have instead."""
    present = sorted({_labels(node)[rule["key"]] for node in nodes if rule["key"] in _labels(node)})
    have = f"they have {', '.join(present)}" if present else "none of them has that label"
    which = f"none of {total} nodes" if len(nodes) == total else f"none of {len(nodes)} other nodes"
    return f"{which} has {_asked(rule)}: {have}"


def _asked(rule: Mapping[str, Any]) -> str:
    values = list(rule.get("values", ()))
    shown = ", ".join(values[:3]) + (", ..." if len(values) > 3 else "")
    match rule["operator"]:
        case "In":
            return f"{rule['key']} in [{shown}]"
        case "NotIn":
            return f"{rule['key']} not in [{shown}] (write gpu.allowShared: true to take them)"
        case "DoesNotExist":
            return f"GPUs that are not MIG slices, by {rule['key']} (write gpu.allowMig: true)"
        case "Gt":
            return f"{rule['key']} of at least {int(values[0]) + 1}"
    return str(rule["key"])


def _too_few(resource: str, count: int, having: Mapping[str, int]) -> str:
    return f"a TaskManager asks for {count} {resource}, and no node has so many: {_listed(having)}"


def _listed(having: Mapping[str, int]) -> str:
    most = sorted(having.items(), key=lambda each: (-each[1], each[0]))
    more = f" and {len(most) - 5} more" if len(most) > 5 else ""
    return ", ".join(f"{name} has {amount}" for name, amount in most[:5]) + more


def _labels(node: Manifest) -> dict[str, str]:
    labels: dict[str, str] = node["metadata"].get("labels", {})
    return labels


def _name(node: Manifest) -> str:
    return str(node["metadata"]["name"])


def _amount(node: Manifest, resource: str) -> int:
    return int(node["status"]["allocatable"].get(resource, 0))
