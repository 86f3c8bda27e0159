"""Batches of tensors cut into parts and filled up, dense and ragged alike."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.convert.inputs import Tensor
from modelstream.convert.spec import TensorSpec

Arrays = dict[str, npt.NDArray[Any]]


def cut(tensors: Mapping[str, Tensor], start: int, size: int) -> dict[str, Tensor]:
    """``size`` records from ``start`` on; fewer at the end."""
    return {name: _rows(tensor, start, start + size) for name, tensor in tensors.items()}


def filled(tensors: Mapping[str, Tensor], missing: int) -> Mapping[str, Tensor]:
    """A batch with that many copies of its first record behind it.

    Copies, of a ragged tensor too, because a model may refuse an empty row, and may want the rows
    of two inputs to be of one length.
    """
    if not missing:
        return tensors
    return {name: _filled(tensor, missing) for name, tensor in tensors.items()}


def in_parts(
    size: int, n: int, tensors: Mapping[str, Tensor], call: Callable[[Mapping[str, Tensor]], Arrays]
) -> Arrays:
    """Call a function that takes ``size`` records with any number of them.

    Args:
        size: how many it takes at a time.
        n: how many there are; the last part is filled up.
        tensors: all with a batch.
        call: gives arrays of ``size`` rows.
    """
    parts = [call(_exactly(size, tensors, start)) for start in range(0, n, size)]
    return {name: np.concatenate([part[name] for part in parts])[:n] for name in parts[0]}


def has_one_batch(inputs: Mapping[str, TensorSpec]) -> bool:
    """Whether the first dimension of each input can be the batch, which they then share.

    A fixed size beside inputs that take any number of records is not a batch. A size of 1 may be
    one: whatever it means, a call with one record is right.
    """
    sizes = {spec.batch for spec in inputs.values()}
    return len(sizes) <= 1 or sizes == {None, 1}


def _exactly(size: int, tensors: Mapping[str, Tensor], start: int) -> Mapping[str, Tensor]:
    """``size`` records from ``start`` on; the last ones are filled up with the first of them."""
    part = cut(tensors, start, size)
    return filled(part, size - len(next(iter(part.values()))))


def _rows(tensor: Tensor, start: int, end: int) -> Tensor:
    if isinstance(tensor, np.ndarray):
        part: Tensor = tensor[start:end]
        return part
    return tensor.take(range(start, min(end, len(tensor))))


def _filled(tensor: Tensor, missing: int) -> Any:
    if isinstance(tensor, np.ndarray):
        return np.concatenate([tensor, np.repeat(tensor[:1], missing, axis=0)])
    return tensor.take([*range(len(tensor)), *[0] * missing])
