"""What can be told of a manifest on this machine, without starting anything."""

import contextlib
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelstream.cli import precheck
from modelstream.errors import ModelStreamError
from modelstream.fetch import local_path, scheme_of
from modelstream.job import pipeline
from modelstream.job.build import job_needs
from modelstream.job.context import JobContext
from modelstream.job.script import program_path
from modelstream.models import Model
from modelstream_crds.mounted import read_below
from modelstream_crds.needs import cluster_only
from modelstream_crds.v1alpha1 import ModelStreamSpec, Pipeline, Python


@dataclass
class Look:
    """What was found, each as one message.

    Attributes:
        wrong: what no run can do with, here or on a cluster.
        absent: what is not on this machine, and how it is given to a run.
        unseen: what was not looked at.
    """

    wrong: list[str] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    unseen: list[str] = field(default_factory=list)


def look(
    spec: ModelStreamSpec,
    base: Path,
    given: Mapping[str, str],
    there: Container[str] = (),
) -> Look:
    """Look at what is here of the models, files, programs and statements of a manifest.

    Args:
        spec: the manifest's.
        base: the directory of the manifest.
        given: places of models, by name.
        there: names of claims, ConfigMaps and keys of Secrets that have a place.
    """
    found = Look(
        absent=[
            str(need)
            for need in cluster_only(spec)
            if need.flag not in {f"--model {name}=DIR" for name in given}
            and (need.flag.startswith("--model") or need.name not in there)
        ]
    )
    _mounts(spec, there, found)
    models = _models(spec, given, found)
    _connectors(spec, found)
    with _noted(found.wrong):
        precheck.check_statements(spec)
    if spec.sql is not None:
        found.unseen.append("spec.sql.statements: what Flink makes of them; `run` asks it first")
    if spec.python is not None and spec.python.script is not None:
        _program(spec.python, base, found)
    if spec.pipeline is not None:
        _pipeline(spec, spec.pipeline, models, found)
    return found


def _mounts(spec: ModelStreamSpec, there: Container[str], found: Look) -> None:
    """Claims that a program or a script reads below, by paths that this machine does not have."""
    if spec.pipeline is not None:  # whose paths are looked at one by one
        return
    field = "spec.sql.statements" if spec.sql is not None else "spec.python.args"
    found.absent += [
        f"{field}: the PersistentVolumeClaim {each.claim}, mounted as {each.path}, exists only in "
        f"a cluster: give --mount {each.claim}=DIR"
        for each in read_below(spec)
        if each.claim not in there and not Path(each.path).exists()
    ]


def _models(
    spec: ModelStreamSpec, given: Mapping[str, str], found: Look
) -> dict[str, tuple[Model, Path]]:
    """Those that are here and can be read, each with its place."""
    models: dict[str, tuple[Model, Path]] = {}
    for index, model in enumerate(spec.models):
        address, where = given.get(model.name, model.uri), f"spec.models[{index}].uri"
        if scheme_of(address) not in ("", "file", "pvc", "image"):
            found.unseen.append(f"{where}: the model at {address}, which `run` fetches")
        if scheme_of(address) not in ("", "file"):
            continue
        if (path := _place(address, where, found)) is None:
            continue
        with _noted(found.wrong if path.exists() else found.absent):
            models[model.name] = precheck.opened(spec, {model.name: path}, given)[model.name], path
    return models


def _place(address: str, where: str, found: Look) -> Path | None:
    try:
        return local_path(address)
    except ModelStreamError as error:
        found.wrong.append(f"{where}: {error}")
        return None


def _connectors(spec: ModelStreamSpec, found: Look) -> None:
    """A name that is nearly one of ours is wrong; any other may be one of an image's."""
    with _noted(found.wrong):
        job_needs(spec, in_cluster=True)
        unknown: list[str] = []
        with _noted(unknown):
            job_needs(spec)
        for message in unknown:
            (found.wrong if "did you mean" in message else found.absent).append(message)


def _program(program: Python, base: Path, found: Look) -> None:
    with _noted(found.absent):
        path = program_path(program, JobContext(base=base))
        try:
            compile(path.read_bytes(), str(path), "exec")
        except SyntaxError as error:
            found.wrong.append(f"spec.python.script: {path}, line {error.lineno}: {error.msg}")


def _pipeline(
    whole: ModelStreamSpec, spec: Pipeline, models: Mapping[str, tuple[Model, Path]], found: Look
) -> None:
    for check in (precheck.check_schema, precheck.check_apart):
        with _noted(found.wrong):
            check(spec)
    with _noted(found.absent):
        precheck.check_files(whole)
    for name, sink in pipeline.ends(spec)[1:]:
        with _noted(found.absent):
            precheck.check_directory(name, sink)
    chosen = models.get(spec.inference.model)
    if chosen is None:
        found.unseen.append("spec.pipeline.inference: whether columns and model fit")
        return
    with _noted(found.wrong):
        precheck.check_columns(spec, *chosen)


@contextlib.contextmanager
def _noted(messages: list[str]) -> Iterator[None]:
    try:
        yield
    except ModelStreamError as error:
        messages.append(str(error))
