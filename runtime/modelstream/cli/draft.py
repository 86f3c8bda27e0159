"""The text of a manifest that a person goes on with: valid, aligned, with comments."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from modelstream_crds.v1alpha1 import ModelFormat

_PLAIN = re.compile(r"[A-Za-z_./][\w./<>@-]*(?: [\w.-]+)*")
_WORDS = {"true", "false", "null", "yes", "no", "on", "off", "y", "n"}
_COMMENT_AT = 44
_DEFAULT_FORMAT = ModelFormat.SAVED_MODEL

_SCHEMA = "https://modelstream.dev/reference/modelstream.schema.json"
"""What editors check a manifest by."""


@dataclass(frozen=True)
class Field:
    """A column of the source: its name, its type, and which tensor it feeds, in words."""

    name: str
    type: str
    feeds: str = ""


@dataclass(frozen=True)
class Ends:
    """Where records come from and go to: files below a path, or a topic of Kafka.

    Attributes:
        format: how records and results are written.
        options: the format's.
        path: where the files are.
        topic: where the records are; empty for files.
        servers: Kafka's.
    """

    format: str
    options: Mapping[str, str] = field(default_factory=dict)
    path: str = ""
    topic: str = ""
    servers: str = ""


@dataclass(frozen=True)
class Draft:
    """What the manifest is to say.

    Attributes:
        name: what the model and the job are called.
        uri: the model's.
        format: the model's.
        signature: where it is not the default.
        fields: the columns of the source.
        inputs: tensor → column.
        constants: tensor → its one value for all records.
        guessed: the tensors whose column has another name.
        method: where the exporter has not said it.
        outputs: column → tensor; those of the method where it is empty.
        keep: the columns that go on.
        ends: source and sinks.
        header: the first line of the data names the columns.
        cluster: with what pods need.
    """

    name: str
    uri: str
    format: str
    signature: str
    fields: tuple[Field, ...]
    inputs: Mapping[str, str]
    constants: Mapping[str, object]
    guessed: frozenset[str]
    method: str
    outputs: Mapping[str, str]
    keep: tuple[str, ...]
    ends: Ends
    header: bool = False
    cluster: bool = False


def text(draft: Draft) -> str:
    """The manifest."""
    parts = (_head, _model, _source, _inference, _sinks, _flink)
    lines = [line.rstrip() for part in parts for line in part(draft)]
    return "\n".join(lines) + "\n"


def _head(draft: Draft) -> Iterator[str]:
    of = f"topic {draft.ends.topic}" if draft.ends.topic else draft.ends.path
    yield f"# yaml-language-server: $schema={_SCHEMA}"
    yield f"# {draft.name} over {of}. Fields: kubectl explain modelstream --recursive"
    yield "apiVersion: modelstream.dev/v1alpha1"
    yield "kind: ModelStream"
    yield "metadata:"
    yield f"  name: {draft.name}"
    yield "spec:"


def _model(draft: Draft) -> Iterator[str]:
    yield "  models:"
    yield f"  - name: {draft.name}"
    where = "a volume; locally --model NAME=PATH" if draft.cluster else ""
    yield _said(f"    uri: {_scalar(draft.uri)}", where)
    if draft.format != _DEFAULT_FORMAT:
        yield f"    format: {draft.format}"


def _source(draft: Draft) -> Iterator[str]:
    ends = draft.ends
    yield "  pipeline:"
    yield "    source:"
    yield f"      connector: {'kafka' if ends.topic else 'filesystem'}"
    note = "the first line, a header, becomes a dead letter" if draft.header else ""
    yield _said(f"      format: {ends.format}", note)
    yield "      schema:"
    for each in draft.fields:
        yield _said(f"      - {_flow({'name': each.name, 'type': each.type})}", each.feeds)
    yield "      options:"
    if ends.topic:
        yield f"        topic: {_scalar(ends.topic)}"
        yield f"        properties.bootstrap.servers: {_scalar(ends.servers)}"
        yield f"        properties.group.id: {draft.name}"
        yield _said("        scan.startup.mode: earliest-offset", "or latest-offset, group-offsets")
    else:
        yield _said(f"        path: {_scalar(_place(draft, ends.path))}", "a file, or a directory")
    for key, value in ends.options.items():
        yield f"        {key}: {_scalar(value)}"


def _inference(draft: Draft) -> Iterator[str]:
    yield "    inference:"
    yield f"      model: {draft.name}"
    if draft.signature:
        yield f"      signature: {_scalar(draft.signature)}"
    if draft.method:
        other = "one number a record; or Classify, with label and score"
        yield _said(f"      method: {draft.method}", other if draft.method == "Regress" else "")
    guessed = "tensor: column; look through those of another name" if draft.guessed else ""
    yield _said(f"      inputs: {_flow(draft.inputs)}", guessed or "tensor: column")
    if draft.constants:
        same = ", ".join(f"{_scalar(k)}: {json.dumps(v)}" for k, v in draft.constants.items())
        yield _said(f"      constants: {{{same}}}", "the same for all records")
    if draft.outputs:
        yield _said(f"      outputs: {_flow(draft.outputs)}", "column: output of the model")
    keep = ", ".join(map(_scalar, draft.keep))
    yield _said(f"      keep: [{keep}]", "columns of the source that go on to the sink")
    yield _said("      onError: DeadLetter", "a record that cannot be scored costs itself only")


def _sinks(draft: Draft) -> Iterator[str]:
    for role, name in (("sink", "results"), ("deadLetter", "dead-letters")):
        yield f"    {role}:"
        if draft.ends.topic:
            yield "      connector: kafka"
            yield "      format: json"
            yield "      options:"
            yield f"        topic: {_scalar(f'{draft.ends.topic}-{name}')}"
            yield f"        properties.bootstrap.servers: {_scalar(draft.ends.servers)}"
        else:
            yield "      connector: filesystem"
            yield "      format: json"
            yield f"      options: {_flow({'path': _place(draft, name)})}"


def _flink(draft: Draft) -> Iterator[str]:
    yield "  flink:"
    if draft.ends.topic:
        yield _said("    runtimeMode: Streaming", "state: … makes it go on where it was")
    else:
        yield _said("    runtimeMode: Batch", "read what is there; Streaming waits for more")
    if draft.cluster and not draft.ends.topic:
        yield _said("    jobManager: &data", "the claim data as /data, in both kinds of pods")
        yield "      podTemplate:"
        yield "        spec:"
        mount = "{name: data, mountPath: /data}"
        yield f"          containers: [{{name: main, volumeMounts: [{mount}]}}]"
        yield "          volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]"
        yield "    taskManager: *data"


def _place(draft: Draft, path: str) -> str:
    """A path of this machine, or one below the claim."""
    return f"/data/{path.rpartition('/')[2]}" if draft.cluster else path


def _said(line: str, comment: str) -> str:
    return f"{line.ljust(_COMMENT_AT)} # {comment}" if comment else line


def _flow(values: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{_scalar(k)}: {_scalar(v)}" for k, v in values.items()) + "}"


def _scalar(value: str) -> str:
    """A text as YAML has it, in quotes where it would be something else without."""
    if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
        return value
    return json.dumps(value, ensure_ascii=False)
