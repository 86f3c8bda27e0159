"""Batches of tensors cut into parts and filled up, dense and ragged alike."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from modelstream.convert.inputs import Tensor


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


def _rows(tensor: Tensor, start: int, end: int) -> Tensor:
    if isinstance(tensor, np.ndarray):
        part: Tensor = tensor[start:end]
        return part
    return tensor.take(range(start, min(end, len(tensor))))


def _filled(tensor: Tensor, missing: int) -> Any:
    if isinstance(tensor, np.ndarray):
        return np.concatenate([tensor, np.repeat(tensor[:1], missing, axis=0)])
    return tensor.take([*range(len(tensor)), *[0] * missing])
