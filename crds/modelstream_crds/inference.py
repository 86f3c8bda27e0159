"""spec.pipeline.inference: which model is called, on what, in which batches."""

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
    ConstantValue,
    Duration,
    FileName,
    ModelName,
    PositiveInt,
    Text,
)

_CUT_RULES: Final = (
    Rule(
        name="cut-between",
        message="puts every record into one class: write a probability between 0 and 1, such as"
        " 0.5",
        cel="self > 0.0 && self < 1.0",
        holds=lambda cut: 0 < cut < 1,
    ),
)


class Classify(Part):
    """What a classification puts out."""

    top_k: PositiveInt = 1
    """How many labels a record gets, the best first."""

    threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    """Labels with a lower score are left out."""

    labels: FileName | None = None
    """A file in the model's directory with one label a line, in the order of the scores. Default:
    the labels that the model gives, else the numbers of the classes. Two labels also say that a
    model which gives one number gives the probability of the second."""

    cut: Annotated[float, Field(ge=0, le=1), *_CUT_RULES] | None = None
    """From which probability on a record is of the second of two classes, where the model gives one
    number, the probability of that class. Default: 0.5, where the model's last operation is a
    sigmoid or there are two labels; without either, write it here."""


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
        Rule(
            name="constant-twice",
            message="feeds a tensor that inputs or images feed too: write it in one of them",
            holds=lambda i: i.constants.keys().isdisjoint({*i.inputs, *i.images}),
            at=".constants",
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

    constants: Annotated[dict[Text, ConstantValue], Field(max_length=32)] = Field(
        default_factory=dict
    )
    """Input tensors that are the same for all records (tensor: number, string, true or false, or
    lists of them), such as keep_prob: 1.0."""

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
