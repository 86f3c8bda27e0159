"""Conversions between ragged tensors and the arrays that a model is fed."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.convert.inputs import Tensor
from modelstream.convert.raggedvalue import RaggedValue
from modelstream.convert.spec import Layout
from modelstream.convert.values import objects
from modelstream.models.signature import Signature


def is_callable(signature: Signature) -> bool:
    """Whether the signature can be called: sparse tensors go neither in nor out."""
    specs = (*signature.inputs.values(), *signature.outputs.values())
    return all(spec.layout is not Layout.SPARSE for spec in specs)


def pieces(tensor: Tensor) -> Iterator[npt.NDArray[Any]]:
    """The arrays that a tensor is made of: a ragged one of its flat values, then its splits."""
    if isinstance(tensor, RaggedValue):
        yield tensor.values.numpy()
        yield from tensor.splits
    else:
        yield tensor


def flattened(value: Any) -> npt.NDArray[Any]:
    """An output of TensorFlow as an array; a ragged one as an object array of lists."""
    if hasattr(value, "row_splits"):
        rows = value.to_list()
        return objects(rows)
    return np.asarray(value.numpy() if hasattr(value, "numpy") else value)


def is_ragged(array: npt.NDArray[Any]) -> bool:
    """Whether it is what ``flattened`` makes of a ragged tensor."""
    return (
        array.dtype.kind == "O"
        and array.ndim == 1
        and bool(len(array))
        and (isinstance(array[0], list))
    )
