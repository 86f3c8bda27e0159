"""The first call of a model is slow; make it before the first record comes."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import numpy as np

from modelstream.convert.dtypes import Kind, dtype_of
from modelstream.convert.inputs import Constant, Tensor
from modelstream.convert.ragged import to_ragged
from modelstream.convert.spec import Layout, TensorSpec
from modelstream.errors import BrokenModelError
from modelstream.models.bound import BoundMethod
from modelstream.models.protocol import Fed, OpenModel
from modelstream.models.signature import Signature

log = logging.getLogger(__name__)


def warm_up(
    model: OpenModel,
    signature: str,
    sizes: Iterable[int] = (1,),
    constants: Mapping[str, Constant] = MappingProxyType({}),
) -> None:
    """Call a signature once for each batch size, with zeros and empty strings.

    One that changes variables of the model is not called: what the first record finds would be
    another model.

    Args:
        model: the open model.
        signature: the one that is called.
        sizes: one call each, with so many made-up records.
        constants: what the tensors get that have the same value for all records.

    Raises:
        Exception: whatever the model raises; a model may refuse such input, so this tells nothing
            about real records.
    """
    found = model.signatures[signature]
    if found.stateful:
        return
    fixed = {name: each.to_tensor(found.inputs[name]) for name, each in constants.items()}
    batch = next((spec.batch for spec in found.inputs.values() if spec.batch), None)
    for size in sizes:
        same = {name: each.of(batch or size) for name, each in fixed.items()}
        model.call(signature, {**zeros(found, size), **same})


def try_to_warm_up(model: OpenModel, bound: BoundMethod, sizes: Iterable[int]) -> None:
    """The same through a method, for a model that may refuse zeros: it stays cold, says the log.

    Raises:
        BrokenModelError: it refuses whatever it is given, or does not give one row a record.
    """
    _try(partial(_warm, partial(bound.run, model), bound.signature, sizes), bound.model)


def try_signature(
    model: OpenModel,
    name: str,
    signature: str,
    sizes: Iterable[int],
    constants: Mapping[str, Constant] = MappingProxyType({}),
) -> None:
    """The same for a signature as it is, whatever it gives; nothing where the model lacks it.

    Raises:
        BrokenModelError: the model refuses whatever it is given.
    """
    if signature in model.signatures:
        _try(partial(warm_up, model, signature, sizes, constants), name)


def _warm(call: Callable[[Fed], object], signature: Signature, sizes: Iterable[int]) -> None:
    if not signature.stateful:
        for size in sizes:
            call(zeros(signature, size))


def _try(warming: Callable[[], object], name: str) -> None:
    try:
        warming()
    except BrokenModelError:
        raise
    except Exception as error:  # whatever the model raises
        log.info("model %s is not warm: it refuses zeros: %s", name, error)


def zeros(signature: Signature, size: int) -> dict[str, Tensor]:
    """Made-up records for each input: zeros and empty strings."""
    return {name: _tensor(spec, size) for name, spec in signature.inputs.items()}


def _tensor(spec: TensorSpec, size: int) -> Tensor:
    """Zeros; in a ragged tensor one to a row, because models may refuse empty rows."""
    if spec.layout is not Layout.RAGGED:
        return _zeros(spec, size)
    if spec.shape is None:
        known: tuple[int | None, ...] = (None,) * (1 + spec.ragged_rank)
        spec = replace(spec, shape=known)
    return to_ragged(_zeros(spec, size), spec)


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
