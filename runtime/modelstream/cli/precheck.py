"""What can be told of a job before Flink is started: in a second instead of ten."""

import contextlib
import os
from collections.abc import Container, Mapping
from itertools import islice
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

from modelstream.cli import kinds
from modelstream.cli.exits import UsageError
from modelstream.cli.places import at
from modelstream.convert.flinktypes import check_type
from modelstream.errors import (
    ModelNotFoundError,
    OptionError,
    SignatureMismatchError,
    SignatureNotFoundError,
)
from modelstream.job import guarantees, pipeline, sqljob
from modelstream.job.build import job_needs
from modelstream.job.context import JobContext
from modelstream.job.models import model_at
from modelstream.job.script import program_path
from modelstream.job.store import Store, local_path
from modelstream.models import Model
from modelstream_crds.mounted import claim_of
from modelstream_crds.v1alpha1 import Model as ModelSpec
from modelstream_crds.v1alpha1 import ModelStreamSpec, Pipeline, Sink, Source

_FEEDS = "inference.inputs says which column of source.schema feeds which tensor: {TENSOR: COLUMN}"
_LOOKED_AT = 3
"""Files whose beginning is looked at."""


def precheck(
    spec: ModelStreamSpec, context: JobContext, given: Container[str] = ()
) -> dict[str, Model]:
    """Raise what the job would be refused for: models, connectors, signature against columns.

    Args:
        spec: the manifest's.
        context: what is there.
        given: names of the models that the command line has places for.

    Returns:
        The models, their signatures read.
    """
    models = opened(spec, context.model_paths, given)
    job_needs(spec)
    check_statements(spec)
    if spec.python is not None and spec.python.module is None:
        program_path(spec.python, context)
    if spec.pipeline is None:
        return models
    check_schema(spec.pipeline)
    check_apart(spec.pipeline)
    if "fs.default-scheme" not in spec.flink.configuration:
        check_files(spec)
        for field, sink in pipeline.ends(spec.pipeline)[1:]:
            check_directory(field, sink)
    name = spec.pipeline.inference.model
    if name in models:
        check_columns(spec.pipeline, models[name], context.model_paths[name])
    return models


def opened(
    spec: ModelStreamSpec, paths: Mapping[str, Path], given: Container[str] = ()
) -> dict[str, Model]:
    """The models that have a place, their signatures read."""
    found: dict[str, Model] = {}
    for index, model in enumerate(spec.models):
        if model.name in paths:
            path = paths[model.name]
            is_given = model.name in given
            where = f"--model {model.name}={path}" if is_given else f"spec.models[{index}].uri"
            with at(where):
                if not path.exists():
                    raise UsageError(_absent(model.name, path, is_given=is_given))
                if said := kinds.other(path, model.format.value):
                    raise OptionError(said)
                found[model.name] = _read(path, model)
    return found


def _read(path: Path, model: ModelSpec) -> Model:
    try:
        return model_at(path, model)
    except ModelNotFoundError as error:
        error.args = (f"{error}; another place is given by --model {model.name}=PATH",)
        raise


def _with_remedy(said: str) -> str:
    if said.startswith("inputs names"):
        return f"pipeline.inference.inputs: {said}"
    if "is to come from output" in said:
        return f"pipeline.inference.outputs: {said}"
    return f"{said}\n  {_FEEDS}" if said.startswith("the stream does not fit") else said


def _absent(name: str, path: Path, *, is_given: bool) -> str:
    instead = "give another path" if is_given else f"give --model {name}=PATH"
    return f"there is no {path.absolute()} on this machine: {instead}"


def check_statements(spec: ModelStreamSpec) -> None:
    """Statements end, a job can run each of them, and its sinks can keep what they promise."""
    if spec.sql is not None:
        sqljob.checked(spec.sql.statements)
        guarantees.check_statements(spec)


def check_columns(spec: Pipeline, model: Model, place: Path) -> None:
    """The columns of the source fit what the model takes."""
    with at("spec.pipeline.inference"):
        try:
            pipeline.checked(spec, model, place)
        except SignatureNotFoundError as error:
            raise OptionError(f"pipeline.inference.signature: {error}") from error
        except SignatureMismatchError as error:
            error.args = (_with_remedy(str(error)),)
            raise


def check_schema(spec: Pipeline) -> None:
    """Flink has the types of the source's columns, and the format can be read as them."""
    for index, column in enumerate(spec.source.schema_):
        with at(f"spec.pipeline.source.schema[{index}].type"):
            check_type(column.type)
    pipeline.check_decoder(spec)


def check_apart(spec: Pipeline) -> None:
    """No files are written where those are that the source reads, or another sink writes."""
    paths = {
        field: PurePosixPath(end.options["path"].removeprefix("file://"))
        for field, end in pipeline.ends(spec)
        if end.connector == "filesystem" and end.options.get("path")
    }
    source = paths.pop("source", None)
    for field, path in paths.items():
        if source is not None and _reads(spec.source, source, path):
            raise OptionError(
                f"pipeline.{field}.options.path: {path} is in {source}, of which the source reads "
                f"all files: what is written would be read as records; write a path beside it"
            )
    if "deadLetter" in paths and paths["deadLetter"] == paths.get("sink"):
        raise OptionError(
            "pipeline.deadLetter.options.path: the sink writes there too, and nothing would tell "
            "results from dead letters: write another path"
        )


def _reads(source: Source, root: PurePosixPath, path: PurePosixPath) -> bool:
    """Whether Flink's file source finds what is written to the path."""
    if "source.path.regex-pattern" in source.options or not path.is_relative_to(root):
        return False
    return not any(part.startswith((".", "_")) for part in path.relative_to(root).parts)


def check_directory(field: str, sink: Source | Sink) -> None:
    """Files of a sink on this machine can be written."""
    path = sink.options.get("path", "")
    if sink.connector != "filesystem" or urlsplit(path).scheme not in ("", "file"):
        return
    place = local_path(path)
    there = next(each for each in (place, *place.parents) if each.exists())
    if not there.is_dir():
        raise OptionError(
            f"pipeline.{field}.options.path: {there} is a file, and a sink makes a directory of "
            f"files: write another path"
        )
    if not os.access(there, os.W_OK | os.X_OK):
        raise OptionError(
            f"pipeline.{field}.options.path: nothing can be written to {there}: write another "
            f"path, or change who may write there"
        )


def check_files(spec: ModelStreamSpec) -> None:
    """Files on this machine are there; what another file system has is Flink's to find out."""
    if spec.pipeline is None:
        return
    source = spec.pipeline.source
    path = source.options.get("path", "")
    if source.connector != "filesystem" or urlsplit(path).scheme not in ("", "file"):
        return
    if not local_path(path).exists():
        claim = claim_of(path, spec)
        other = f"for the claim {claim} give --mount {claim}=DIR, " if claim else ""
        raise OptionError(
            f"pipeline.source.options.path: there is no file and no directory {local_path(path)}; "
            f"{other}for another place --set spec.pipeline.source.options.path=DIR"
        )
    check_lines(source)


def check_lines(source: Source) -> None:
    """Files of JSON have an object a line: of an array a source reads nothing, or its end."""
    if source.format != "json" or "path" not in source.options:
        return
    with contextlib.suppress(OSError):
        files = [each.path for each in islice(Store(source.options["path"]).files(), _LOOKED_AT)]
        if files and all(_begins(local_path(file)) == b"[" for file in files):
            raise OptionError(
                f"pipeline.source.options.path: {files[0]} is an array of JSON, and a source reads "
                f"an object a line: write a line for each, as jq -c '.[]' does (`modelstream "
                f"predict` takes arrays)"
            )


def _begins(file: Path) -> bytes:
    with file.open("rb") as content:
        return content.read(1)
