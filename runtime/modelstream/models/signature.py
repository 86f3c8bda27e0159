"""Signatures: the functions that a model offers, and what they take and give."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from modelstream.annotations import check_fields
from modelstream.convert.spec import Layout, TensorSpec, shape_text
from modelstream.errors import SignatureMismatchError, SignatureNotFoundError
from modelstream.messages import listed, suggestion

DEFAULT_SIGNATURE = "serving_default"
"""The function that is meant where none is named; TensorFlow's exporters call it so."""

PREDICT = "tensorflow/serving/predict"
CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Signature:
    """One function of a model.

    Attributes:
        name: its key in the model, e.g. ``serving_default``.
        method_name: what kind of function the exporter said it is. TF2 exports always say predict.
        inputs: the tensors that it takes, by name.
        outputs: the tensors that it gives, by name.
        stateful: a call changes variables of the model that an output reads. Each worker then has
            variables of its own, which no checkpoint of Flink holds.
        parts: ragged input → the plain tensors that a TF2 export has in its place: the flat values,
            then the row splits, the outermost first.
        python: the operation that calls a Python function of the process that exported the model,
            which no other process has: the signature cannot run. Empty without one.
        probabilities: the outputs that are known to be probabilities, because a sigmoid makes them.
    """

    name: str
    method_name: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    stateful: bool = False
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    probabilities: frozenset[str] = frozenset()
    python: str = ""

    def __post_init__(self) -> None:
        check_fields(self)

    def __str__(self) -> str:
        return f"{self.name}({_specs(self.inputs)}) -> ({_specs(self.outputs)})"


def check_runs(signature: Signature) -> None:
    """Refuse a signature that needs Python code which was not exported with it.

    Raises:
        SignatureMismatchError: names the operation.
    """
    if signature.python:
        raise SignatureMismatchError(
            f"signature {signature.name!r} calls a Python function of the process that exported "
            f"the model, at {signature.python}, and no other process has it: export the model "
            f"without tf.numpy_function and tf.py_function"
        )


def warn_of_state(signature: Signature) -> None:
    """Say of a signature that changes variables what becomes of them in a stream."""
    if signature.stateful:
        log.warning(
            "signature %r changes variables of the model: each worker has its own, and they are "
            "lost when it restarts; what is to last belongs into Flink's state",
            signature.name,
        )


def find_signature(signatures: Mapping[str, Signature], name: str, model: str) -> Signature:
    """The signature of that name.

    Raises:
        SignatureNotFoundError: the model lacks it; says which exist.
    """
    try:
        return signatures[name]
    except KeyError:
        told = f"it has {listed(signatures)}" if signatures else _NONE
        raise SignatureNotFoundError(
            f"model {model!r} has no signature {name!r}{suggestion(name, signatures)}; {told}"
        ) from None


_NONE = (
    "it has none: export it with tf.saved_model.save(model, DIR, signatures=model.call) of a "
    "tf.function with an input_signature, or with Keras' model.export(DIR)"
)


def _specs(specs: Mapping[str, TensorSpec]) -> str:
    return ", ".join(f"{name}: {spec}" for name, spec in specs.items())


Shape = tuple[int | None, ...]
Shapes = Mapping[str, Sequence[int | None]]
"""Input or output → its dimensions with the batch, None for one that varies."""


def with_shapes(signatures: Mapping[str, Signature], shapes: Shapes) -> dict[str, Signature]:
    """Signatures whose inputs and outputs have the shapes that were given.

    Raises:
        SignatureMismatchError: no signature has the tensor, or its shape is another.
    """
    known = {name for each in signatures.values() for name in (*each.inputs, *each.outputs)}
    for name in shapes:
        if name not in known:
            raise SignatureMismatchError(
                f"shapes names the tensor {name!r}, which no signature has"
                f"{suggestion(name, known)}; they have {listed(known)}"
            )
    return {
        name: replace(
            each,
            inputs=dict(_stated(each.inputs, shapes)),
            outputs=dict(_stated(each.outputs, shapes)),
        )
        for name, each in signatures.items()
    }


def _stated(specs: Mapping[str, TensorSpec], shapes: Shapes) -> Iterator[tuple[str, TensorSpec]]:
    for name, spec in specs.items():
        yield name, _with_shape(spec, tuple(shapes[name])) if name in shapes else spec


def _with_shape(spec: TensorSpec, shape: Shape) -> TensorSpec:
    fits = spec.shape is None or (
        len(spec.shape) == len(shape)
        and all(a is None or a == b for a, b in zip(spec.shape, shape, strict=True))
    )
    if not fits or spec.layout is not Layout.DENSE:
        raise SignatureMismatchError(
            f"shapes says that {spec.name!r} is {shape_text(shape)}, but the model says {spec}"
        )
    return replace(spec, shape=shape)
