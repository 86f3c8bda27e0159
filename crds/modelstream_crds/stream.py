"""spec.pipeline: a source, a model over it, and a sink."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Annotated, ClassVar, Final

from pydantic import Field

from modelstream_crds.inference import Inference, OnError
from modelstream_crds.rules import ListOf, Part, Rule
from modelstream_crds.scalars import (
    Column as ColumnName,
)
from modelstream_crds.scalars import (
    DataKey,
    ObjectName,
    OptionKey,
    Options,
    Text,
)


class SecretKey(Part):
    """One value of a Secret, mounted as a file."""

    name: ObjectName
    """The Secret's name, in the namespace of the ModelStream."""

    key: DataKey
    """The key in the Secret."""


SecretOptions = Annotated[dict[OptionKey, SecretKey], Field(max_length=32)]


class Column(Part):
    """A column of the source."""

    name: ColumnName
    """The column's name."""

    type: Text
    """The column's Flink SQL type, such as BIGINT or ARRAY<FLOAT>."""

    metadata: Text | None = None
    """The connector's metadata key that the column holds, such as timestamp or file.path, instead
    of a field of the record."""


# Fields of their own, which an option of the same name would contradict.
_OWN_FIELDS: Final = ("connector", "format")


# CEL does not see the keys of a map whose values may be any scalar: these are Python's alone.
_OPTION_RULES: Final = (
    Rule(
        name="option-and-secret",
        message="stands in options too: write each option once",
        holds=lambda end: not (end.options.keys() & end.secret_options.keys()),
        at=".secretOptions",
    ),
    Rule(
        name="option-is-field",
        message="holds connector or format, which are fields of their own: write them beside"
        " options",
        holds=lambda end: not any(key in end.options for key in _OWN_FIELDS),
        at=".options",
    ),
)


class Source(Part):
    """Where records come from, in the vocabulary of Flink's tables."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            name="whole-files",
            message="reads whole files, which only the filesystem connector has: write connector:"
            " filesystem",
            cel="!has(self.format) || self.format != 'file' || self.connector == 'filesystem'",
            holds=lambda source: source.format != "file" or source.connector == "filesystem",
            at=".format",
        ),
        *_OPTION_RULES,
    )

    connector: Text
    """A Flink table connector that the image has: kafka, filesystem, datagen, ..."""

    format: Text | None = None
    """A Flink format (json, csv, avro, ...), or file: one record for each whole file."""

    schema_: Annotated[
        tuple[Column, ...], ListOf("name"), Field(alias="schema", min_length=1, max_length=256)
    ]
    """The columns of a record."""

    options: Options = Field(default_factory=dict)
    """The connector's and the format's options, as Flink spells them."""

    secret_options: SecretOptions = Field(default_factory=dict)
    """Options whose values come from Secrets, such as passwords."""


class Sink(Part):
    """Where records go, in the vocabulary of Flink's tables."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            name="no-whole-file-sink",
            message="is for sources: write a Flink format such as json",
            cel="!has(self.format) || self.format != 'file'",
            holds=lambda sink: sink.format != "file",
            at=".format",
        ),
        *_OPTION_RULES,
    )

    connector: Text
    """A Flink table connector that the image has: kafka, filesystem, print, blackhole, ..."""

    format: Text | None = None
    """A Flink format: json, csv, avro, ..."""

    options: Options = Field(default_factory=dict)
    """The connector's and the format's options, as Flink spells them."""

    secret_options: SecretOptions = Field(default_factory=dict)
    """Options whose values come from Secrets, such as passwords."""


def is_exactly_once(options: Mapping[str, str]) -> bool:
    """Whether a sink with these options is to write each record once, also after a failure."""
    return options.get("sink.delivery-guarantee", "").lower() == "exactly-once"


_SCHEMA_HAS = "self.source.schema.exists(c, c.name == {})"
# Formats whose records ModelStream decodes itself, one by one; Flink's own decoder fails the job.
DECODED_FORMATS: Final = ("json", "csv", "raw", "file")
_DECODED = ", ".join(f"'{name}'" for name in DECODED_FORMATS)


def _nearly(given: str) -> str:
    near = difflib.get_close_matches(given.lower(), DECODED_FORMATS, n=1, cutoff=0.6)
    return f", did you mean {near[0]}?" if near and given not in near else ""


def _columns(pipeline: "Pipeline") -> tuple[str, ...]:
    return tuple(column.name for column in pipeline.source.schema_)


def _missing(pipeline: "Pipeline", named: Iterable[str]) -> str:
    there = _columns(pipeline)
    absent = dict.fromkeys(name for name in named if name not in there)
    return f"missing: {', '.join(absent)}; there are: {', '.join(there)}"


def _taken(pipeline: "Pipeline") -> list[str]:
    keep = pipeline.inference.keep
    kept = _columns(pipeline) if keep is None else keep
    return [name for name in pipeline.inference.outputs if name in kept]


class Pipeline(Part):
    """Source, model, sink: the whole job without a line of code."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            name="dead-letter-missing",
            message="is where onError: DeadLetter puts records, and it is missing: write"
            " deadLetter: {connector: ..., ...}, or onError: Fail or Drop",
            cel="self.inference.onError != 'DeadLetter' || has(self.deadLetter)",
            holds=lambda p: (
                p.inference.on_error != OnError.DEAD_LETTER or p.dead_letter is not None
            ),
            at=".deadLetter",
        ),
        Rule(
            name="dead-letter-unused",
            message="gets nothing unless inference.onError is DeadLetter: write that, or leave"
            " deadLetter out",
            cel="!has(self.deadLetter) || self.inference.onError == 'DeadLetter'",
            holds=lambda p: p.dead_letter is None or p.inference.on_error == OnError.DEAD_LETTER,
            at=".deadLetter",
        ),
        Rule(
            name="undecodable-format",
            message="is decoded by Flink, which fails the job at a bad record: write onError: Fail,"
            " or the format json, csv, raw or file",
            cel="!has(self.source.format) || self.inference.onError == 'Fail' ||"
            f" self.source.format in [{_DECODED}]",
            holds=lambda p: (
                p.source.format in (None, *DECODED_FORMATS) or p.inference.on_error is OnError.FAIL
            ),
            at=".inference.onError",
            shows=lambda p: f"the source has format: {p.source.format}{_nearly(p.source.format)}",
        ),
        Rule(
            name="input-columns",
            message="feeds a tensor from a column that the source does not have: write tensor:"
            " COLUMN with a column of source.schema",
            cel="!has(self.inference.inputs) ||"
            f" self.inference.inputs.all(t, {_SCHEMA_HAS.format('self.inference.inputs[t]')})",
            holds=lambda p: set(p.inference.inputs.values()) <= set(_columns(p)),
            at=".inference.inputs",
            shows=lambda p: _missing(p, p.inference.inputs.values()),
        ),
        Rule(
            name="image-columns",
            message="names a tensor without a column: write tensor: COLUMN under inference.inputs",
            cel="!has(self.inference.images) || self.inference.images.all(t,"
            " has(self.inference.inputs) && t in self.inference.inputs ||"
            f" {_SCHEMA_HAS.format('t')})",
            holds=lambda p: set(p.inference.images) <= p.inference.inputs.keys() | {*_columns(p)},
            at=".inference.images",
        ),
        Rule(
            name="keep-columns",
            message="names a column that the source does not have: write columns of source.schema",
            cel="!has(self.inference.keep) ||"
            f" self.inference.keep.all(k, {_SCHEMA_HAS.format('k')})",
            holds=lambda p: set(p.inference.keep or ()) <= set(_columns(p)),
            at=".inference.keep",
            shows=lambda p: _missing(p, p.inference.keep),
        ),
        Rule(
            name="output-columns",
            message="names a column that the source's record keeps: write another name, or leave"
            " that column out of inference.keep",
            cel="!has(self.inference.outputs) ||"
            " self.inference.outputs.all(o, has(self.inference.keep) ?"
            f" !(o in self.inference.keep) : !{_SCHEMA_HAS.format('o')})",
            holds=lambda p: not _taken(p),
            at=".inference.outputs",
            shows=lambda p: f"that column: {', '.join(_taken(p))}",
        ),
    )

    source: Source
    """Where records come from."""

    inference: Inference
    """The model and what it is called on."""

    sink: Sink
    """Where scored records go."""

    dead_letter: Sink | None = None
    """Where records go that cannot be decoded or scored, with the reason; for onError
    DeadLetter."""
