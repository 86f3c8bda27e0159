"""What an edit of a manifest does to the job that runs on a cluster."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from modelstream.cli.exits import UsageError
from modelstream_crds import manifest
from modelstream_crds.diff import Difference, Effect, diff, normal
from modelstream_crds.v1alpha1 import (
    ModelStream,
    ModelStreamSpec,
    RestoreFrom,
    RuntimeMode,
    UpgradeMode,
)

_DOES = {
    Effect.NOTHING: "nothing: the job goes on as it is",
    Effect.SCALE: "scale: pods come or go, and the job is rescaled in place",
    Effect.RESTART: "restart: the job stops and a new run begins, once it is proven that it can",
    Effect.REFUSE: "refused: the job goes on as it is",
}


@dataclass(frozen=True)
class Change:
    """An edit.

    Attributes:
        name: the ModelStream's.
        found: what differs, and what that comes to.
        values: path → what it was, and what it is to be; None where it is not there.
        state: what becomes of the state.
    """

    name: str
    found: Difference
    values: Mapping[str, tuple[object, object]]
    state: str

    @property
    def is_refused(self) -> bool:
        """Whether it cannot be made."""
        return self.found.effect is Effect.REFUSE

    def __str__(self) -> str:
        """What it does, field by field, and what becomes of the state."""
        lines = [f"{self.name}: {_DOES[self.found.effect]}"]
        if self.found.message:
            lines.append(f"  {self.found.message}")
        lines += [f"  {path}: {_shown(a)} → {_shown(b)}" for path, (a, b) in self.values.items()]
        return "\n".join([*lines, f"  {self.state}"])

    def as_json(self) -> dict[str, object]:
        """The same for programs."""
        return {
            "name": self.name,
            "effect": self.found.effect.value,
            "message": self.found.message,
            "fields": {path: {"from": a, "to": b} for path, (a, b) in self.values.items()},
            "state": self.state,
        }


def between(
    old: Path, new: Path, name: str | None, overrides: Sequence[tuple[str, str]] = ()
) -> Change:
    """What becomes of the job of the old manifest when the new one is applied.

    Raises:
        ManifestError: one of them is refused.
        UsageError: they are not about the same ModelStream.
    """
    deployed = manifest.load(old, name=name)
    wanted = manifest.load(new, dict(overrides), name=name)
    if deployed.metadata.name != wanted.metadata.name:
        raise UsageError(
            f"{old} holds {deployed.metadata.name}, and {new} {wanted.metadata.name}: another name "
            f"is another ModelStream, which runs beside the first until that is deleted"
        )
    found, chosen = diff(deployed.spec, wanted.spec), _chosen(deployed, wanted)
    if chosen is not None:
        found = Difference(Effect.RESTART, found.paths)
    before, after = normal(deployed.spec), normal(wanted.spec)
    fields = [path.removeprefix("spec.") for path in found.paths]
    values = {f"spec.{path}": (before.get(path), after.get(path)) for path in fields}
    state = _begins_with(chosen) if chosen else _state(found.effect, deployed.spec, wanted.spec)
    return Change(wanted.metadata.name, found, values, state)


def _chosen(deployed: ModelStream, wanted: ModelStream) -> RestoreFrom | None:
    """What the job begins with instead of its own state, where the edit counts the nonce up."""
    asked, before = _restore_from(wanted.spec), _restore_from(deployed.spec)
    used = deployed.status.used.restore_nonce if deployed.status.used else None
    counted = max(before.nonce if before else 0, used or 0)
    return asked if asked is not None and asked.nonce > counted else None


def _restore_from(spec: ModelStreamSpec) -> RestoreFrom | None:
    return spec.state.restore_from if spec.state else None


def _begins_with(chosen: RestoreFrom) -> str:
    begins = "begins anew"
    if not chosen.nothing:
        named = chosen.path or f"what ModelStream {chosen.model_stream} has left"
        named = "the newest below its state.storage" if chosen.newest else named
        begins = f"begins with {named}"
    return f"state is left aside: the job {begins}, as spec.state.restoreFrom asks"


def _state(effect: Effect, deployed: ModelStreamSpec, wanted: ModelStreamSpec) -> str:
    if effect is not Effect.RESTART:
        return "state is kept" if deployed.state else "there is no state"
    if deployed.state is None:
        return "nothing is kept: there is no spec.state, and the job begins anew"
    if deployed.flink.runtime_mode is RuntimeMode.BATCH:
        return "nothing is kept: a Batch job begins anew"
    match wanted.upgrade.mode:
        case UpgradeMode.STATELESS:
            return "state is dropped: upgrade.mode is Stateless, and the job begins anew"
        case UpgradeMode.LAST_STATE:
            return "state is kept: the new run goes on from the newest checkpoint"
        case _:
            return "state is kept: the new run goes on from a savepoint of the present one"


def _shown(value: object) -> str:
    said = "nothing" if value is None else str(value)
    first, *more = said.splitlines() or [""]
    return f"{first[:80]}…" if more or len(first) > 80 else first
