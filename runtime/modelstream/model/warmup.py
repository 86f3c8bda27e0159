"""The first call of a model is slow; make it before the first record comes."""

from collections.abc import Iterable

import numpy as np

from modelstream.convert.dtypes import Kind, dtype_of
from modelstream.convert.spec import TensorSpec
from modelstream.model.protocol import OpenModel


def warm_up(model: OpenModel, signature: str, sizes: Iterable[int] = (1,)) -> None:
    """Call a signature once for each batch size, with zeros and empty strings.

    One that changes variables of the model is not called: what the first record finds would be
    another model.

    Raises:
        Exception: whatever the model raises; a model may refuse such input, so this tells nothing
            about real records.
    """
    found = model.signatures[signature]
    if found.stateful:
        return
    for size in sizes:
        model.call(signature, {name: _zeros(spec, size) for name, spec in found.inputs.items()})


def _zeros(spec: TensorSpec, size: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.generic]]":
    dtype = dtype_of(spec.dtype)
    if spec.shape is None:
        shape: tuple[int, ...] = (size,)
    else:
        shape = tuple(1 if each is None else each for each in spec.shape)
        if spec.batch is None and shape:
            shape = (size, *shape[1:])
    if dtype.kind is Kind.STRING:
        return np.full(shape, b"", object)
    return np.zeros(shape, dtype.numpy)
