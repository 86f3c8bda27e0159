"""A case: manifests that keep a rule and that break it, as edits of one that is valid."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from modelstream_crds.documents import parse_path

GONE = object()
Edits = dict[str, Any]

BASE: dict[str, Any] = {
    "apiVersion": "modelstream.dev/v1alpha1",
    "kind": "ModelStream",
    "metadata": {"name": "fraud-scores"},
    "spec": {
        "models": [{"name": "fraud", "uri": "pvc://models/fraud"}],
        "pipeline": {
            "source": {
                "connector": "kafka",
                "format": "json",
                "schema": [
                    {"name": "id", "type": "BIGINT"},
                    {"name": "features", "type": "ARRAY<FLOAT>"},
                ],
                "options": {"topic": "payments"},
            },
            "inference": {"model": "fraud", "inputs": {"x": "features"}, "outputs": {"score": "y"}},
            "sink": {"connector": "print"},
        },
    },
}

PIPELINE = "spec.pipeline"
SECRET = {"name": "kafka", "key": "password"}


@dataclass(frozen=True)
class Case:
    """A rule (or a bound of the schema), and manifests that keep and break it.

    ``path`` is what the refusal points at; ``says`` is in its message besides what a rule of ours
    always says (of a rule, in that of ``validate`` alone).
    """

    rule: str
    accept: tuple[Edits, ...]
    reject: tuple[Edits, ...]
    path: str
    server: bool = True
    says: str = field(default="")

    def told(self, message: str) -> str:
        """What a rule with this message says of this case."""
        return f"{message} {self.says}".rstrip()


def edited(edits: Edits) -> dict[str, Any]:
    """``BASE`` with the value at each path exchanged, or taken away."""
    manifest = copy.deepcopy(BASE)
    for path, value in edits.items():
        *way, last = [int(s) if s.isdecimal() else s for s in parse_path(path)]
        target: Any = manifest
        for segment in way:
            target = target[segment] if isinstance(target, list) else target.setdefault(segment, {})
        if value is GONE:
            del target[last]
        else:
            target[last] = value
    return manifest


def replace_job(**job: Any) -> Edits:
    """Another job instead of the pipeline."""
    return {"spec.pipeline": GONE} | {f"spec.{kind}": value for kind, value in job.items()}


def accepted(cases: tuple[Case, ...]) -> Iterator[tuple[str, Case, Edits]]:
    """Every manifest that must pass, once, with an id."""
    seen: list[Edits] = []
    for case in cases:
        for index, edits in enumerate(case.accept):
            if edits not in seen:
                seen.append(edits)
                yield f"{case.rule}-{index}", case, edits


def rejected(cases: tuple[Case, ...]) -> Iterator[tuple[str, Case, Edits]]:
    """Every manifest that must be refused, with an id."""
    for case in cases:
        for index, edits in enumerate(case.reject):
            yield f"{case.rule}-{index}", case, edits


def plain_path(path: str) -> str:
    """A path without the ways of writing a key, which differ between CEL and us."""
    for quoted in ("['", "']", '["', '"]', "[", "]"):
        path = path.replace(quoted, ".")
    return ".".join(part for part in path.split(".") if part)
