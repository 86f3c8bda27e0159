"""spec.models: which models, from where, and how they are checked."""

import re
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import Field

from modelstream_crds.rules import ListOf, Part, Rule
from modelstream_crds.scalars import (
    Bytes,
    Column,
    Digest,
    Dimension,
    Flag,
    ModelName,
    ModuleName,
    ObjectName,
    TensorName,
    Text,
    Uri,
    cel_string,
)


class Method(StrEnum):
    """How a signature is called."""

    PREDICT = "Predict"
    CLASSIFY = "Classify"
    REGRESS = "Regress"


class ModelFormat(StrEnum):
    """How a model is stored."""

    SAVED_MODEL = "SavedModel"
    GRAPH_DEF = "GraphDef"
    KERAS = "Keras"


SUFFIXES: Final = {
    ModelFormat.GRAPH_DEF: (".pb", ".pbtxt"),
    ModelFormat.KERAS: (".keras", ".h5", ".hdf5"),
}
"""What the models of a format end in that are one file."""


SCHEMES: Final = ("file", "pvc", "image", "s3", "gs", "https", "hf")
# Schemes that an init container fetches; the others are mounted or are in the image.
FETCHED: Final = ("s3", "gs", "https", "hf")

_SCHEME = f"^({'|'.join(SCHEMES)})://.+"
_FETCHED = f"^({'|'.join(FETCHED)})://"
_IMAGE = "^image://[^@]+@sha256:[0-9a-f]{64}$"
_CLAIM = "^pvc://[a-z0-9]([-a-z0-9.]*[a-z0-9])?(/.*)?$"
_PARENT = r"(^|/)\.\.(/|$)"


def scheme(uri: str) -> str:
    """What stands before ``://``; empty where nothing does."""
    return uri.partition("://")[0] if "://" in uri else ""


def _is_fetched(uri: str) -> bool:
    return scheme(uri) in FETCHED


_URI_RULES: Final = (
    Rule(
        name="uri-scheme",
        message="has no scheme that is known: write file://, pvc://, image://, s3://, gs://,"
        " https:// or hf:// and a path, such as pvc://models/fraud",
        cel=f"self.matches('{_SCHEME}')",
        holds=lambda uri: re.search(_SCHEME, uri) is not None,
    ),
    Rule(
        name="uri-image-digest",
        message="names an image without its digest, which may change under the job: write"
        " image://REPOSITORY@sha256:DIGEST",
        cel=f"!self.startsWith('image://') || self.matches('{_IMAGE}')",
        holds=lambda uri: scheme(uri) != "image" or re.search(_IMAGE, uri) is not None,
    ),
    Rule(
        name="uri-claim",
        message="names no claim: write pvc://CLAIM/PATH, such as pvc://models/fraud",
        cel=f"!self.startsWith('pvc://') || self.matches('{_CLAIM}')",
        holds=lambda uri: scheme(uri) != "pvc" or re.search(_CLAIM, uri) is not None,
    ),
    Rule(
        name="uri-parent",
        message="leads out of its directory: write the path without '..'",
        cel=f"self.startsWith('file://') || !self.matches({cel_string(_PARENT)})",
        holds=lambda uri: scheme(uri) == "file" or re.search(_PARENT, uri) is None,
    ),
)


class TensorType(StrEnum):
    """A dtype that a column can carry, as TensorFlow spells it."""

    FLOAT16 = "float16"
    BFLOAT16 = "bfloat16"
    FLOAT32 = "float32"
    FLOAT64 = "float64"
    INT8 = "int8"
    INT16 = "int16"
    INT32 = "int32"
    INT64 = "int64"
    UINT8 = "uint8"
    UINT16 = "uint16"
    UINT32 = "uint32"
    UINT64 = "uint64"
    BOOL = "bool"
    STRING = "string"


class GraphTensor(Part):
    """A tensor of a graph, by the name that it has in the signature."""

    name: Column
    """What inference.inputs and inference.outputs call the tensor."""

    tensor: TensorName
    """The tensor in the graph: NODE:INDEX, or NODE for its first output."""

    shape: Annotated[tuple[Dimension, ...], Field(max_length=8)] | None = None
    """The dimensions with the batch, -1 for one that varies. Default: the graph's. A placeholder
    that was written for exactly one record takes batches when the first one is -1."""

    dtype: TensorType | None = None
    """The tensor's dtype. Default: the graph's."""


class GraphSignature(Part):
    """A function of a graph, which does not say itself what it takes and gives."""

    name: Text = "serving_default"
    """What inference.signature calls the function."""

    method: Method = Method.PREDICT
    """What kind of function it is; how it is called unless inference.method says otherwise."""

    inputs: Annotated[tuple[GraphTensor, ...], ListOf("name"), Field(min_length=1, max_length=32)]
    """The tensors that the function takes."""

    outputs: Annotated[tuple[GraphTensor, ...], ListOf("name"), Field(min_length=1, max_length=32)]
    """The tensors that the function gives."""


class Model(Part):
    """A model, mounted read-only at /models/NAME in every pod of the job."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            name="secret-of-fetched",
            message="is for models that are fetched: leave it out with file://, pvc:// and image://"
            " (an image's pull secret stands in the podTemplate)",
            cel=f"!has(self.secretName) || self.uri.matches('{_FETCHED}')",
            holds=lambda model: model.secret_name is None or _is_fetched(model.uri),
            at=".secretName",
        ),
        Rule(
            name="size-of-fetched",
            message="is for models that are fetched: leave it out with file://, pvc:// and image://",
            cel=f"!has(self.size) || self.uri.matches('{_FETCHED}')",
            holds=lambda model: model.size is None or _is_fetched(model.uri),
            at=".size",
        ),
        Rule(
            name="signatures-of-graph",
            message="are missing: a GraphDef does not say what it takes and gives; write at least"
            " one signature with its inputs and outputs",
            cel="self.format != 'GraphDef' || has(self.signatures)",
            holds=lambda m: m.format is not ModelFormat.GRAPH_DEF or m.signatures is not None,
            at=".signatures",
        ),
        Rule(
            name="signatures-in-model",
            message="stand in the model itself: leave them out, or write format: GraphDef",
            cel="self.format == 'GraphDef' || !has(self.signatures)",
            holds=lambda m: m.format is ModelFormat.GRAPH_DEF or m.signatures is None,
            at=".signatures",
        ),
        Rule(
            name="tags-of-saved-model",
            message="are of a SavedModel: leave them out, or write format: SavedModel",
            cel="self.format == 'SavedModel' || self.tags == ['serve']",
            holds=lambda m: m.format is ModelFormat.SAVED_MODEL or m.tags == ("serve",),
            at=".tags",
        ),
        Rule(
            name="shapes-of-saved-model",
            message="are of a SavedModel: leave them out; a GraphDef states them in its signatures",
            cel="self.format == 'SavedModel' || !has(self.shapes) || self.shapes.size() == 0",
            holds=lambda m: m.format is ModelFormat.SAVED_MODEL or not m.shapes,
            at=".shapes",
        ),
    )

    name: ModelName
    """What the job calls the model: a directory below /models, and the function's name in SQL."""

    uri: Annotated[Uri, *_URI_RULES]
    """Where the model is: file:// (in the image, or on the laptop), pvc://CLAIM/PATH,
    image://REPOSITORY@sha256:DIGEST, s3://, gs://, https:// or hf://."""

    digest: Digest | None = None
    """The digest of the model's files (sorted path, size, sha256); the job does not start with
    other files. `modelstream fetch` prints it."""

    format: ModelFormat = ModelFormat.SAVED_MODEL
    """How the model is stored: a SavedModel is a directory; a GraphDef (a frozen graph, .pb or
    .pbtxt) and a Keras model (.keras or .h5) are a file, or a directory with one such file."""

    signatures: (
        Annotated[tuple[GraphSignature, ...], ListOf("name"), Field(min_length=1, max_length=8)]
        | None
    ) = None
    """The functions of a GraphDef; the other formats tell theirs themselves."""

    tags: Annotated[tuple[Text, ...], ListOf(), Field(min_length=1, max_length=8)] = ("serve",)
    """The tags of the graph in the SavedModel that is used."""

    shapes: Annotated[
        dict[Text, Annotated[tuple[Dimension, ...], Field(max_length=8)]], Field(max_length=32)
    ] = Field(default_factory=dict)
    """The dimensions of inputs and outputs that a SavedModel does not state (tensor: dimensions
    with the batch, -1 for one that varies)."""

    imports: Annotated[tuple[ModuleName, ...], ListOf(), Field(max_length=16)] = ()
    """Modules of Python in the image that are imported before the model loads, wherever it does:
    those with operations that TensorFlow alone does not have (tensorflow_text), and those that
    register layers of Keras."""

    secret_name: ObjectName | None = None
    """The Secret with the credentials of the store (AWS_*, GOOGLE_APPLICATION_CREDENTIALS,
    HF_TOKEN); only the container that fetches the model sees it."""

    size: Bytes | None = None
    """The most that a fetched model takes: ephemeral storage asked for, and the limit of the
    fetch."""

    warm_up: Flag = True
    """Call every signature once before the pod is ready, so that the first record does not wait."""
