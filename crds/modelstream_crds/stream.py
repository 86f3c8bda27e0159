"""spec.pipeline: a source, a model over it, and a sink."""

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, ClassVar, Final

from pydantic import Field

from modelstream_crds.model import Method
from modelstream_crds.rules import ListOf, Part, Rule
from modelstream_crds.scalars import (
    Column as ColumnName,
)
from modelstream_crds.scalars import (
    DataKey,
    Duration,
    FileName,
    ModelName,
    ObjectName,
    OptionKey,
    Options,
    PositiveInt,
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


class Classify(Part):
    """What a classification puts out."""

    top_k: PositiveInt = 1
    """How many labels a record gets, the best first."""

    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    """Labels with a lower score are left out."""

    labels: FileName | None = None
    """A file in the model's directory with one label a line, in the order of the scores. Default:
    the labels that the model gives, else the numbers of the classes."""


PixelNumber = Annotated[float, Field(strict=True, allow_inf_nan=False)]


class ImageFit(StrEnum):
    """How an image comes to the size that the model takes."""

    STRETCH = "Stretch"
    CROP = "Crop"
    PAD = "Pad"


class Image(Part):
    """How the JPEG or PNG bytes of a column become an image tensor."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            name="image-size",
            message="states one side only: write height and width, or leave both out",
            cel="has(self.height) == has(self.width)",
            holds=lambda image: (image.height is None) == (image.width is None),
        ),
        Rule(
            name="image-std",
            message="divides by it: write numbers above 0, such as 255",
            cel="!has(self.std) || self.std.all(s, s > 0.0)",
            holds=lambda image: all(number > 0 for number in image.std),
            at=".std",
        ),
    )

    height: PositiveInt | None = None
    """Pixels. Default: what the tensor takes; where it takes any, each image keeps its own."""

    width: PositiveInt | None = None
    """Pixels, as height."""

    fit: ImageFit = ImageFit.STRETCH
    """How an image of other proportions comes to the size: both sides are scaled, each by its own
    factor (Stretch), or the longer side is cut (Crop), or the shorter one gets black (Pad)."""

    mean: Annotated[tuple[PixelNumber, ...], Field(max_length=4)] = ()
    """Subtracted from each pixel (0 to 255): one number, or one a channel. Default: 0."""

    std: Annotated[tuple[PixelNumber, ...], Field(max_length=4)] = ()
    """What the difference is divided by: one number, or one a channel. Default: 1."""


class OnError(StrEnum):
    """What becomes of a record that cannot be scored."""

    DEAD_LETTER = "DeadLetter"
    FAIL = "Fail"
    DROP = "Drop"


def _rises(sizes: tuple[int, ...]) -> bool:
    return all(a < b for a, b in pairwise(sizes))


class Batch(Part):
    """How records are brought together for one call of the model."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            name="allowed-sizes-rise",
            message="must rise: write each size once, the smallest first",
            cel="!has(self.allowedSizes) ||"
            " self.allowedSizes.all(i, self.allowedSizes.filter(j, j <= i).size() =="
            " self.allowedSizes.indexOf(i) + 1)",
            holds=lambda batch: _rises(batch.allowed_sizes),
            at=".allowedSizes",
        ),
        Rule(
            name="allowed-sizes-end",
            message="must end with batch.maxSize: write that as the last size",
            cel="!has(self.allowedSizes) || self.allowedSizes.size() == 0 ||"
            " self.allowedSizes[self.allowedSizes.size() - 1] == self.maxSize",
            holds=lambda b: not b.allowed_sizes or b.allowed_sizes[-1] == b.max_size,
            at=".allowedSizes",
        ),
    )

    max_size: PositiveInt = 256
    """The most records of one call."""

    max_latency: Duration = "50ms"
    """The longest that a record waits for others."""

    allowed_sizes: Annotated[tuple[PositiveInt, ...], Field(max_length=32)] = ()
    """Batches are padded to the next of these sizes, so that the model sees few shapes; the last
    one is maxSize. Empty: no padding."""


class Inference(Part):
    """Which signature of which model is called on which columns."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            name="classify-method",
            message="is for the method Classify: write method: Classify, or leave classify out",
            cel="!has(self.classify) || (has(self.method) && self.method == 'Classify')",
            holds=lambda i: i.classify is None or i.method is Method.CLASSIFY,
            at=".classify",
        ),
    )

    model: ModelName
    """The name of one of spec.models."""

    signature: Text = "serving_default"
    """The model's signature that is called."""

    method: Method | None = None
    """How the signature is called. Default: what the signature says, else Predict."""

    classify: Classify | None = None
    """What a classification puts out; for the method Classify."""

    inputs: Annotated[dict[Text, ColumnName], Field(max_length=64)] = Field(default_factory=dict)
    """The model's input tensors and the columns that feed them (tensor: column). A tensor that
    is left out takes the column of its own name."""

    images: Annotated[dict[Text, Image], Field(max_length=16)] = Field(default_factory=dict)
    """The tensors that are images and how the bytes of their columns become them (tensor:
    options). JPEG and PNG are decoded beside the model."""

    outputs: Annotated[dict[ColumnName, Text], Field(max_length=64)] = Field(default_factory=dict)
    """The columns that the model adds and the output tensors that fill them (column: tensor).
    Empty: every output under its own name."""

    keep: Annotated[tuple[ColumnName, ...], ListOf(), Field(max_length=256)] | None = None
    """The columns of the source that go on to the sink. Default: all."""

    batch: Batch = Batch()
    """How records are brought together for one call."""

    on_error: OnError = OnError.FAIL
    """What becomes of a record that cannot be decoded or scored: it goes to
    spec.pipeline.deadLetter, it is dropped and counted, or the job fails."""


_SCHEMA_HAS = "self.source.schema.exists(c, c.name == {})"
# Formats whose records ModelStream decodes itself, one by one; Flink's own decoder fails the job.
DECODED_FORMATS: Final = ("json", "csv", "raw", "file")
_DECODED = ", ".join(f"'{name}'" for name in DECODED_FORMATS)


def _columns(pipeline: "Pipeline") -> set[str]:
    return {column.name for column in pipeline.source.schema_}


def _kept(pipeline: "Pipeline") -> set[str]:
    keep = pipeline.inference.keep
    return _columns(pipeline) if keep is None else set(keep)


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
        ),
        Rule(
            name="input-columns",
            message="feeds a tensor from a column that the source does not have: write tensor:"
            " COLUMN with a column of source.schema",
            cel="!has(self.inference.inputs) ||"
            f" self.inference.inputs.all(t, {_SCHEMA_HAS.format('self.inference.inputs[t]')})",
            holds=lambda p: set(p.inference.inputs.values()) <= _columns(p),
            at=".inference.inputs",
        ),
        Rule(
            name="image-columns",
            message="names a tensor without a column: write tensor: COLUMN under inference.inputs",
            cel="!has(self.inference.images) || self.inference.images.all(t,"
            " has(self.inference.inputs) && t in self.inference.inputs ||"
            f" {_SCHEMA_HAS.format('t')})",
            holds=lambda p: set(p.inference.images) <= p.inference.inputs.keys() | _columns(p),
            at=".inference.images",
        ),
        Rule(
            name="keep-columns",
            message="names a column that the source does not have: write columns of source.schema",
            cel="!has(self.inference.keep) ||"
            f" self.inference.keep.all(k, {_SCHEMA_HAS.format('k')})",
            holds=lambda p: set(p.inference.keep or ()) <= _columns(p),
            at=".inference.keep",
        ),
        Rule(
            name="output-columns",
            message="names a column that the source's record keeps: write another name, or leave"
            " that column out of inference.keep",
            cel="!has(self.inference.outputs) ||"
            " self.inference.outputs.all(o, has(self.inference.keep) ?"
            f" !(o in self.inference.keep) : !{_SCHEMA_HAS.format('o')})",
            holds=lambda p: not (p.inference.outputs.keys() & _kept(p)),
            at=".inference.outputs",
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
