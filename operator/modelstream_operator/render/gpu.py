"""GPUs: what a TaskManager asks for, and which nodes will do."""

from typing import Any

from modelstream_crds.names import GPU_CHECK, GPU_COUNT
from modelstream_crds.quantities import quantity
from modelstream_crds.v1alpha1 import Gpu
from modelstream_operator.render.target import Target

PRODUCT = "nvidia.com/gpu.product"
MEMORY = "nvidia.com/gpu.memory"
SHARING = "nvidia.com/gpu.sharing-strategy"
SLICES = "nvidia.com/gpu.slices.gi"

MIG_PROFILES = (
    *("1g.5gb", "1g.6gb", "1g.10gb", "1g.12gb", "1g.18gb", "1g.20gb", "1g.23gb", "1g.24gb"),
    *("1g.35gb", "2g.10gb", "2g.12gb", "2g.20gb", "2g.24gb", "2g.35gb", "2g.45gb", "3g.20gb"),
    *("3g.40gb", "3g.47gb", "3g.48gb", "3g.71gb", "3g.90gb", "4g.20gb", "4g.24gb", "4g.40gb"),
    *("4g.47gb", "4g.48gb", "4g.71gb", "4g.90gb", "7g.40gb", "7g.80gb", "7g.94gb", "7g.96gb"),
    *("7g.141gb", "7g.180gb"),
)
"""Suffixes that NVIDIA's feature discovery gives to the product of a node with MIG slices."""

Part = dict[str, Any]


def wanted(target: Target) -> Gpu | None:
    """The GPU block, if a TaskManager gets a GPU at all."""
    return target.spec.gpu if target.gpus else None


def limits(target: Target) -> dict[str, str]:
    """The extended resource; only ever a limit, and only on the TaskManager's main container."""
    gpu = wanted(target)
    return {gpu.resource_name: str(gpu.count)} if gpu else {}


def environment(target: Target) -> dict[str, str]:
    """Variables of the TaskManager's main container."""
    gpu = wanted(target)
    if gpu is None:
        return {"NVIDIA_VISIBLE_DEVICES": "void", GPU_COUNT: "0"}
    return {
        GPU_COUNT: str(gpu.count),
        GPU_CHECK: "On",
        # Either value wins over what a session asks for, and the library's asks for growth.
        "TF_FORCE_GPU_ALLOW_GROWTH": "true" if gpu.memory_growth else "false",
    }


def is_checked(target: Target) -> bool:
    """Whether the TaskManagers fail when they see fewer GPUs than they asked for."""
    template = target.spec.flink.task_manager.pod_template.get("spec") or {}
    return not any(
        variable["name"] == GPU_CHECK and str(variable.get("value")).lower() == "off"
        for container in template.get("containers", ())
        for variable in container.get("env", ())
    )


def placement(target: Target) -> Part:
    """Where the TaskManagers may run: fields of the pod's spec."""
    gpu = wanted(target)
    if gpu is None:
        return {}
    tolerations = [{"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"}]
    tolerations += [
        each.model_dump(by_alias=True, exclude_none=True, mode="json") for each in gpu.tolerations
    ]
    spec: Part = {"tolerations": tolerations}
    if gpu.node_selector:
        spec["nodeSelector"] = dict(gpu.node_selector)
    if gpu.runtime_class_name:
        spec["runtimeClassName"] = gpu.runtime_class_name
    if rules := requirements(gpu):
        terms = {"nodeSelectorTerms": [{"matchExpressions": rules}]}
        required = {"requiredDuringSchedulingIgnoredDuringExecution": terms}
        spec["affinity"] = {"nodeAffinity": required}
    return spec


def requirements(gpu: Gpu) -> list[Part]:
    """What a node's labels must say, as match expressions of a node affinity."""
    rules: list[Part] = []
    if gpu.products:
        rules.append({"key": PRODUCT, "operator": "In", "values": products(gpu)})
    if gpu.resource_name.startswith("nvidia.com/"):
        if not gpu.allow_shared:
            shared = ["time-slicing", "mps"]
            rules.append({"key": SHARING, "operator": "NotIn", "values": shared})
        if not gpu.allow_mig and "mig" not in gpu.resource_name:
            rules.append({"key": SLICES, "operator": "DoesNotExist"})
    if gpu.min_memory:
        least = -(-quantity(gpu.min_memory) // (1024 * 1024)) - 1
        rules.append({"key": MEMORY, "operator": "Gt", "values": [str(least)]})
    return rules


def products(gpu: Gpu) -> list[str]:
    """Product labels that will do: sharing and slicing change the label of the same card."""
    found: list[str] = []
    for product in gpu.products:
        variants = [product]
        if gpu.allow_mig:
            variants += [f"{product}-MIG-{profile}" for profile in MIG_PROFILES]
        found += variants
        if gpu.allow_shared:
            found += [f"{variant}-SHARED" for variant in variants]
    return found
