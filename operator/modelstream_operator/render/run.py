"""A run: a start from a revision, and the objects that it has for itself."""

from dataclasses import dataclass
from typing import Any

from modelstream_operator import names
from modelstream_operator.names import Component
from modelstream_operator.render.revision import Gap, Revision
from modelstream_operator.render.signature import signed
from modelstream_operator.resources import DEPLOYMENT, Manifest


@dataclass(frozen=True)
class Run:
    """What the gaps of a revision are filled with."""

    number: int
    job_id: str
    restore_from: str | None = None
    parallelism: int = 1
    """Of the job, where no field states it."""
    replicas: int = 1
    """TaskManagers."""
    running: bool = True
    """False keeps the objects and takes the pods away."""
    restore_newest: str = ""
    restore_else: str = ""
    restore_less: str = ""


def run_children(revision: Revision, run: Run) -> list[Manifest]:
    """The objects of one run, in the order in which they are of use."""
    values: dict[str, str] = {
        Gap.RUN: str(run.number),
        Gap.JOB: run.job_id,
        Gap.RESTORE_FROM: run.restore_from or "",
        Gap.RESTORE_NEWEST: run.restore_newest,
        Gap.RESTORE_ELSE: run.restore_else,
        Gap.RESTORE_LESS: run.restore_less,
        Gap.PARALLELISM: str(run.parallelism),
    }
    return [signed(_sized(_filled(each, values), run)) for each in revision.children]


def _filled(value: Any, values: dict[str, str]) -> Any:
    """The value with every gap filled; a variable that would be empty is left out."""
    match value:
        case dict():
            return {_text(key, values): _filled(item, values) for key, item in value.items()}
        case list():
            return [_filled(each, values) for each in value if not _is_empty(each, values)]
        case str():
            return _text(value, values)
    return value


def _text(text: str, values: dict[str, str]) -> str:
    for gap, value in values.items():
        text = text.replace(gap, value)
    return text


def _is_empty(item: Any, values: dict[str, str]) -> bool:
    value = item.get("value") if isinstance(item, dict) else None
    return isinstance(value, str) and values.get(value) == ""


def _sized(manifest: Manifest, run: Run) -> Manifest:
    """A Deployment with its number of pods."""
    if manifest["kind"] != DEPLOYMENT.kind:
        return manifest
    component = manifest["metadata"]["labels"][names.LABEL_COMPONENT]
    asked = run.replicas if component == Component.TASKMANAGER else 1
    return {**manifest, "spec": {"replicas": asked if run.running else 0, **manifest["spec"]}}
