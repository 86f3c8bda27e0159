"""Shapes that a model does not state, stated by its user."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from modelstream.convert.spec import Layout, TensorSpec, shape_text
from modelstream.errors import SignatureMismatchError
from modelstream.messages import listed, suggestion
from modelstream.models.signature import Signature

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
