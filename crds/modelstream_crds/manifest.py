"""Reading manifests that people write: strict, with the file and line of everything wrong.

The answers are those of the API server, offline: the same models, the same rules.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any, TypeAlias

import yaml
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from modelstream_crds import names
from modelstream_crds.documents import Document, Path, documents, parse_path, render
from modelstream_crds.needs import ClusterOnly, cluster_only
from modelstream_crds.overrides import overridden
from modelstream_crds.problems import ManifestError, Problem
from modelstream_crds.rules import violations
from modelstream_crds.strict import unknown_fields
from modelstream_crds.v1alpha1 import ModelStream
from modelstream_crds.wording import not_yaml, said

__all__ = [
    "ClusterOnly",
    "ManifestError",
    "Problem",
    "check",
    "cluster_only",
    "dump",
    "load",
    "load_all",
    "located",
    "plain",
    "read",
]

Source: TypeAlias = str | os.PathLike[str]

_FIELDS = {str(field.alias) for field in ModelStream.model_fields.values()}


def load(
    source: Source, overrides: Mapping[str, str] | None = None, *, name: str | None = None
) -> ModelStream:
    """The one ModelStream of ``source`` (a path, or YAML text), or the one called ``name``.

    Raises:
        ManifestError: it is not there, or is refused.
    """
    streams = load_all(source, overrides)
    found = [stream for stream in streams if name in (None, stream.metadata.name)]
    if len(found) == 1:
        return found[0]
    file, _ = _read(source)
    there = ", ".join(stream.metadata.name for stream in streams)
    if found:
        message = f"holds {len(found)} ModelStreams ({there}): say which one, such as --name "
        message += found[0].metadata.name
    elif streams:
        message = f"holds no ModelStream called {name}: there is {there}"
    else:
        message = (
            f"holds no {names.KIND}: write apiVersion: {names.API_VERSION} and kind: ModelStream;"
            " `modelstream init MODEL` writes a first one"
        )
    raise ManifestError(Problem(file, None, "", message))


def load_all(source: Source, overrides: Mapping[str, str] | None = None) -> tuple[ModelStream, ...]:
    """Every ModelStream of ``source``; documents of other kinds are left to their own readers.

    Raises:
        ManifestError: one of them is refused; the problems of all are in it.
    """
    file, text = _read(source)
    streams: list[ModelStream] = []
    problems: list[Problem] = []
    try:
        for document in documents(text, file):
            if _is_ours(document):
                try:
                    streams.append(_stream(document, overrides or {}))
                except ManifestError as error:
                    problems += error.problems
    except yaml.YAMLError as error:
        problems.append(_yaml_problem(file, text, error))
    if problems:
        raise ManifestError(*problems)
    return tuple(streams)


def read(value: Mapping[str, Any]) -> ModelStream:
    """The ModelStream that ``value`` is: a whole manifest, as the API server gives it.

    Raises:
        ManifestError: it is refused; its problems have no file and no line.
    """
    stream, found = _validated(value)
    if found or stream is None:
        problems = (Problem(names.KIND, None, render(path), message) for path, message in found)
        raise ManifestError(*problems)
    return stream


def plain(source: Source) -> Document | None:
    """The one document of a YAML file that is not a manifest; None of an empty one.

    Raises:
        ManifestError: it is not YAML, or holds several.
    """
    file, text = _read(source)
    try:
        found = list(documents(text, file))
    except yaml.YAMLError as error:
        raise ManifestError(_yaml_problem(file, text, error)) from None
    if len(found) > 1:
        line = found[1].line(())
        raise ManifestError(Problem(file, line, "", "a second document: write one"))
    return found[0] if found else None


def check(stream: ModelStream) -> tuple[Problem, ...]:
    """The rules that ``stream`` breaks, those that the API server cannot check among them."""
    found = violations(stream)
    return tuple(Problem(names.KIND, None, broken.path, broken.message) for broken in found)


def located(
    source: Source,
    name: str,
    path: str,
    message: str,
    overrides: Mapping[str, str] | None = None,
    text_line: int = 0,
) -> Problem:
    """What is wrong at a path of the stream called ``name``, with its file and line.

    Args:
        source: the manifest, which has been read before.
        name: of the stream.
        path: such as ``spec.pipeline.sink.connector``.
        message: what is wrong.
        overrides: as the manifest was read with.
        text_line: which line of the text that stands there; 0 for all of it.
    """
    file, text = _read(source)
    try:
        segments = _indexed(path)
    except ValueError:
        return Problem(file, None, path, message)
    for document in documents(text, file):
        value = document.value if isinstance(document.value, dict) else {}
        if _is_ours(document) and (value.get("metadata") or {}).get("name") == name:
            found = _problem(document, segments, message, overrides or {})
            if found.line is not None and text_line:
                return Problem(file, document.text_line(segments, text_line), found.path, message)
            return found
    return Problem(file, None, path, message)  # its name comes from an override


def dump(stream: ModelStream) -> str:
    """The manifest of ``stream``, as the job in the cluster reads it; without status."""
    metadata = {"name": stream.metadata.name, "namespace": stream.metadata.namespace}
    manifest = {
        "apiVersion": stream.api_version,
        "kind": stream.kind,
        "metadata": {key: value for key, value in metadata.items() if value is not None},
        "spec": stream.spec.model_dump(mode="json", by_alias=True, exclude_none=True),
    }
    return yaml.safe_dump(manifest, sort_keys=False, allow_unicode=True)


def _read(source: Source) -> tuple[str, str]:
    if isinstance(source, str) and ("\n" in source or source.lstrip().startswith("{")):
        return "<manifest>", source
    path = FilePath(source)
    try:
        return str(path), path.read_text(encoding="utf-8")
    except FileNotFoundError:
        message = "there is no such file"
    except IsADirectoryError:
        message = "is a directory: name a file in it"
    except UnicodeDecodeError:
        message = "is not text in UTF-8: save it as UTF-8"
    except OSError as error:
        message = f"cannot be read: {error.strerror}"
    raise ManifestError(Problem(str(path), None, "", message))


def _is_ours(document: Document) -> bool:
    value = document.value
    if not isinstance(value, dict):
        return True
    group = str(value.get("apiVersion", "")).partition("/")[0]
    return value.get("kind") == names.KIND or group == names.GROUP or "kind" not in value


def _stream(document: Document, overrides: Mapping[str, str]) -> ModelStream:
    if not isinstance(document.value, dict) or not document.value.keys() & _FIELDS:
        told = f"apiVersion: {names.API_VERSION}, kind, metadata and spec"
        message = f"is not a manifest: write {told}; `modelstream init MODEL` writes a first one"
        raise ManifestError(_problem(document, (), message, {}))
    try:
        value = overridden(document.value, overrides)
    except (ValueError, yaml.YAMLError) as error:
        raise ManifestError(Problem("--set", None, "", str(error))) from error
    stream, found = _validated(value)
    if found or stream is None:
        problems = (_problem(document, path, message, overrides) for path, message in found)
        raise ManifestError(*problems)
    return stream


def _validated(value: Any) -> tuple[ModelStream | None, list[tuple[Path, str]]]:
    """The stream that ``value`` is, or where it is not one and why."""
    found = list(unknown_fields(value, ModelStream))
    for key in ("apiVersion", "kind"):
        if key not in value:
            expected = names.API_VERSION if key == "apiVersion" else names.KIND
            found.append(((key,), f"is missing: write {key}: {expected}"))
    told = {path for path, _ in found}
    try:
        stream = ModelStream.model_validate_json(json.dumps(value))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            path = tuple(segment for segment in detail["loc"] if segment != "[key]")
            if path not in told and not _is_echo(detail):
                found.append((path, said(detail)))
        return None, found
    if not found:
        found = [(_indexed(broken.path), broken.message) for broken in violations(stream)]
    return stream, found


def _is_echo(detail: ErrorDetails) -> bool:
    """A list that is too short only for pydantic, which leaves out the items that were wrong."""
    return detail["type"] == "too_short" and len(detail["input"]) >= detail["ctx"]["min_length"]


def _problem(document: Document, path: Path, message: str, overrides: Mapping[str, str]) -> Problem:
    shown = render(path)
    for override in overrides:
        given = render(_indexed(override))
        made = not document.has(path) and given.startswith(shown)
        if shown.startswith(given) or made:
            return Problem(f"--set {override}", None, shown, message)
    return Problem(document.file, document.line(path), shown, message)


def _indexed(path: str) -> Path:
    return tuple(int(part) if part.isdecimal() else part for part in parse_path(path))


def _yaml_problem(file: str, text: str, error: yaml.YAMLError) -> Problem:
    line, said = not_yaml(text, error)
    return Problem(file, line, "", f"is not YAML: {said}")
