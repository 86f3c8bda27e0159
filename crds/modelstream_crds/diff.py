"""What a change of each field does to a running job, and what differs between two specs. Pure.

Specs are compared in normal form: parsed, with every default, and equal values spelt equally. So
neither another spelling nor a field that a newer version has added restarts anything.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

from modelstream_crds.quantities import duration, exact
from modelstream_crds.v1alpha1 import ModelStreamSpec, RuntimeMode, UpgradeMode


class Effect(StrEnum):
    """What becomes of a running job when a field changes; the later one of several wins."""

    NOTHING = "nothing"
    """The pods go on: the field concerns the operator, or another object."""

    SCALE = "scale"
    """Pods come or go, and the adaptive scheduler rescales the job in place."""

    RESTART = "restart"
    """The job stops, with a savepoint where it has state, and a new run begins."""

    REFUSE = "refuse"
    """It cannot be made: the job goes on as it is, and the message says what to do."""


_ORDER: Final = list(Effect)

EFFECTS: Final[Mapping[str, Effect]] = MappingProxyType(
    {
        "models": Effect.RESTART,
        "pipeline": Effect.RESTART,
        "sql": Effect.RESTART,
        "python": Effect.RESTART,
        "gpu": Effect.RESTART,
        "flink.image": Effect.RESTART,
        "flink.parallelism": Effect.RESTART,
        "flink.runtimeMode": Effect.RESTART,
        "flink.serviceAccount.name": Effect.RESTART,
        "flink.serviceAccount.annotations": Effect.RESTART,
        "flink.jobManager": Effect.RESTART,
        "flink.taskManager.replicas": Effect.SCALE,
        "flink.taskManager.slots": Effect.RESTART,
        "flink.taskManager.resources": Effect.RESTART,
        "flink.taskManager.podTemplate": Effect.RESTART,
        "flink.configuration": Effect.RESTART,
        "flink.secretConfiguration": Effect.RESTART,
        "state": Effect.RESTART,
        "state.allowNonRestoredState": Effect.NOTHING,
        "state.deletionPolicy": Effect.NOTHING,
        "state.restoreFrom": Effect.NOTHING,
        "state.savepoints": Effect.NOTHING,
        "upgrade.mode": Effect.NOTHING,
        "upgrade.rollback": Effect.NOTHING,
        "upgrade.readyTimeout": Effect.NOTHING,
        "suspend": Effect.NOTHING,
        "restartNonce": Effect.RESTART,
        "savepointNonce": Effect.NOTHING,
        "networkPolicy.enabled": Effect.NOTHING,
        "podDisruptionBudget.enabled": Effect.NOTHING,
    }
)
"""By field of the spec, with all that is below it. ``suspend`` and ``state.restoreFrom`` are wishes
of their own: the life cycle takes the pods away and brings the same ones back, and a greater nonce
begins another run of the same revision."""

_NORMAL: Final[Mapping[str, Callable[[str], object]]] = MappingProxyType(
    {
        "models[].size": lambda text: str(exact(text)),
        "models[].uri": lambda text: text.rstrip("/"),
        "pipeline.inference.batch.maxLatency": lambda text: duration(text).total_seconds(),
        "gpu.minMemory": lambda text: str(exact(text)),
        "flink.jobManager.resources.limits{}": lambda text: str(exact(text)),
        "flink.jobManager.resources.requests{}": lambda text: str(exact(text)),
        "flink.taskManager.resources.limits{}": lambda text: str(exact(text)),
        "flink.taskManager.resources.requests{}": lambda text: str(exact(text)),
        "state.storage": lambda text: text.rstrip("/"),
        "state.checkpointInterval": lambda text: duration(text).total_seconds(),
        "state.savepoints.interval": lambda text: duration(text).total_seconds(),
        "upgrade.readyTimeout": lambda text: duration(text).total_seconds(),
    }
)
"""Fields whose values have several spellings."""

_FREE: Final = (
    *("limits", "requests", "podTemplate", "configuration", "secretConfiguration"),
    "annotations",
)
"""Mappings whose keys are not fields."""


@dataclass(frozen=True)
class Difference:
    """What a change comes to, by the strongest of its fields."""

    effect: Effect
    paths: tuple[str, ...] = ()
    """The fields that differ, such as ``spec.models[0].uri``."""
    message: str = ""
    """Why it is refused, and what to do instead."""


def diff(deployed: ModelStreamSpec, wanted: ModelStreamSpec) -> Difference:
    """What becomes of the job of the one spec when it is to be that of the other."""
    old, new = normal(deployed), normal(wanted)
    missing = object()
    paths = [path for path in {**old, **new} if old.get(path, missing) != new.get(path, missing)]
    same = deployed.parallelism == wanted.parallelism
    paths = [path for path in paths if not (path == "flink.parallelism" and same)]
    effects = [effect(path) for path in paths] or [Effect.NOTHING]
    strongest = max(effects, key=_ORDER.index)
    named = tuple(f"spec.{path}" for path in sorted(paths))
    if strongest is Effect.RESTART and (message := _impossible(deployed, wanted)):
        return Difference(Effect.REFUSE, named, message)
    return Difference(strongest, named)


def effect(path: str) -> Effect:
    """What a change of a field does, by its path below ``spec``.

    Raises:
        KeyError: the table does not know the field.
    """
    found = [each for each in EFFECTS if path == each or path.startswith((f"{each}.", f"{each}["))]
    found += [each for each in EFFECTS if path.startswith(f"{each}{{")]
    if not found:
        raise KeyError(path)
    return EFFECTS[max(found, key=len)]


def normal(spec: ModelStreamSpec) -> dict[str, object]:
    """Every field that is set, by its path, in one spelling."""
    dumped = spec.model_dump(mode="json", by_alias=True, exclude_none=True)
    return {path: _spelt(kind, value) for path, kind, value in _leaves(dumped)}


def _leaves(value: Any, path: str = "", kind: str = "") -> Iterator[tuple[str, str, Any]]:
    """Path, the same without numbers and keys, and value."""
    if isinstance(value, dict) and value:
        free = path.rpartition(".")[2] in _FREE or "podTemplate" in path
        for key, item in value.items():
            if free:
                yield from _leaves(item, f"{path}[{key}]", f"{kind}{{}}")
            else:
                yield from _leaves(item, f"{path}.{key}".lstrip("."), f"{kind}.{key}".lstrip("."))
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(item, f"{path}[{index}]", f"{kind}[]")
    elif path and (value not in ({}, []) or "podTemplate[" in path):
        yield path, kind, value


def _spelt(kind: str, value: Any) -> object:
    read = _NORMAL.get(kind)
    return read(value) if read and isinstance(value, str) else value


def _impossible(deployed: ModelStreamSpec, wanted: ModelStreamSpec) -> str:
    """State that the new run could not go on from; empty where it can, or is not to."""
    written = wanted.upgrade.mode is UpgradeMode.STATELESS
    if written or deployed.state is None or not _streams(deployed):
        return ""
    old = deployed.state.storage.rstrip("/")
    if wanted.state is None:
        return f"spec.state: the job's state in {old} would be lost: write it again; {_ANEW}"
    if not _streams(wanted):
        return (
            f"spec.flink.runtimeMode: a batch job cannot go on from the job's state in {old}: write"
            f" Streaming again; {_ANEW}"
        )
    new = wanted.state.storage.rstrip("/")
    if not old.startswith("pvc://") or old == new:
        return ""
    return (
        f"spec.state.storage: the job's state is on {old}, which pods with {new} do not mount:"
        f" write {old} again; to begin without it, write spec.state.restoreFrom with nothing: true"
        " and a greater nonce"
    )


_ANEW: Final = "to begin without it, delete the ModelStream and create it again"


def _streams(spec: ModelStreamSpec) -> bool:
    return spec.flink.runtime_mode is RuntimeMode.STREAMING
