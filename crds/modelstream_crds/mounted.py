"""Paths of pods on another machine, where a directory stands for a claim that pods mount."""

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from modelstream_crds.v1alpha1 import ModelStreamSpec, Pipeline, Sink, Source

_End = TypeVar("_End", Source, Sink)
_SCHEME = "file:"
_FILE = r"(?P<scheme>file:(?://)?)?"


@dataclass(frozen=True)
class Mounted:
    """A claim as pods see it.

    Attributes:
        path: where it is mounted.
        claim: its name.
        below: the directory of it that is mounted; empty for all of it.
    """

    path: str
    claim: str
    below: str = ""

    def holds(self, path: str) -> bool:
        """Whether a path, or an address of one, is below it."""
        plain = re.sub(f"^{_FILE}(?=/)", "", path)
        return plain == self.path or plain.startswith(f"{self.path.rstrip('/')}/")


def mounted(spec: ModelStreamSpec) -> tuple[Mounted, ...]:
    """The claims that the pod templates mount, those with the longest paths first."""
    found: dict[str, Mounted] = {}
    for kind in (spec.flink.task_manager, spec.flink.job_manager):
        for each in _of_template(kind.pod_template):
            found.setdefault(each.path, each)
    return tuple(sorted(found.values(), key=lambda each: -len(each.path)))


def claim_of(path: str, spec: ModelStreamSpec) -> str | None:
    """The claim that a path is below; None where it is below none."""
    return next((each.claim for each in mounted(spec) if each.holds(path)), None)


def with_directories(
    spec: ModelStreamSpec, directories: Mapping[str, str]
) -> tuple[ModelStreamSpec, frozenset[str]]:
    """The job as it reads and writes where there are directories in place of claims.

    Paths are looked for in the options of a pipeline, in the texts of SQL, in the arguments of a
    program, and in the place of the state.

    Args:
        spec: of the job.
        directories: of claims, by name; absolute paths.

    Returns:
        The job, and the claims that a path of it was below.
    """
    used: set[str] = set()
    here = [each for each in mounted(spec) if each.claim in directories]

    def placed(path: str) -> str:
        for each in here:
            if each.holds(path):
                used.add(each.claim)
                return _within(path, each, directories[each.claim])
        return path

    changed: dict[str, Any] = {}
    if spec.pipeline is not None:
        changed["pipeline"] = _pipeline(spec.pipeline, placed)
    if spec.sql is not None:
        script = _SQL_TEXT.sub(lambda text: _quoted(text, placed), spec.sql.statements)
        changed["sql"] = spec.sql.model_copy(update={"statements": script})
    if spec.python is not None:
        arguments = tuple(placed(each) for each in spec.python.args)
        changed["python"] = spec.python.model_copy(update={"args": arguments})
    if spec.state is not None:
        place = placed(spec.state.storage)
        changed["state"] = spec.state.model_copy(update={"storage": place})
    return spec.model_copy(update=changed), frozenset(used)


def read_below(spec: ModelStreamSpec) -> tuple[Mounted, ...]:
    """The mounted claims that a path of the job is below."""
    there = mounted(spec)
    _, used = with_directories(spec, {each.claim: each.path for each in there})
    return tuple(each for each in there if each.claim in used)


_SQL_TEXT = re.compile(r"'((?:[^']|'')*)'")


def _quoted(text: "re.Match[str]", placed: Callable[[str], str]) -> str:
    said = text[1].replace("''", "'")
    return "'" + placed(said).replace("'", "''") + "'"


def _pipeline(pipeline: Pipeline, placed: Callable[[str], str]) -> Pipeline:
    def end(given: _End) -> _End:
        options = {
            key: placed(value) if isinstance(value, str) else value
            for key, value in given.options.items()
        }
        return given.model_copy(update={"options": options})

    changed: dict[str, Any] = {"source": end(pipeline.source), "sink": end(pipeline.sink)}
    if pipeline.dead_letter is not None:
        changed["dead_letter"] = end(pipeline.dead_letter)
    return pipeline.model_copy(update=changed)


def _within(path: str, mount: Mounted, directory: str) -> str:
    scheme = path[: len(_SCHEME)] if path.startswith(_SCHEME) else ""
    plain = re.sub(f"^{_FILE}(?=/)", "", path)
    within = posixpath.relpath(plain, mount.path)
    tail = "/" if plain.endswith("/") else ""
    return f"{scheme}{posixpath.normpath(posixpath.join(directory, mount.below, within))}{tail}"


def _of_template(template: Mapping[str, Any]) -> Iterator[Mounted]:
    spec = template.get("spec") or {}
    claims = {
        volume.get("name"): volume["persistentVolumeClaim"].get("claimName")
        for volume in spec.get("volumes") or ()
        if volume.get("persistentVolumeClaim")
    }
    for container in spec.get("containers") or ():
        for mount in container.get("volumeMounts") or ():
            claim, path = claims.get(mount.get("name")), mount.get("mountPath")
            if claim and path:
                yield Mounted(posixpath.normpath(path), claim, mount.get("subPath") or "")
