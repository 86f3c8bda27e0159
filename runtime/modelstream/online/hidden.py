"""The hidden state of a sequence model: tensors of one key, in Flink's keyed state."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.convert import TensorSpec
from modelstream.convert.dtypes import Kind, dtype_of
from modelstream.errors import OptionError, StateError
from modelstream.online import codec

Array = npt.NDArray[Any]


class HiddenState:
    """Named tensors that belong to the key of the record that is being processed.

    For a keyed function of your own: make one with the function, ``open`` it in ``open``, then
    ``get`` and ``set`` it while records come. What is set is part of the next checkpoint, and is
    written once a bundle, however often it is set.

    Args:
        specs: name → tensor. The first dimension is the batch, of which a key has 1; the others
            must be known.
        name: of the state in checkpoints: two of one function need two names.
    """

    def __init__(self, specs: Mapping[str, TensorSpec], name: str = "hidden") -> None:
        for tensor, spec in specs.items():
            if spec.shape is None or None in spec.shape[1:] or spec.shape == ():
                raise OptionError(
                    f"hidden state {tensor!r} is {spec}: all dimensions but the first, the batch, "
                    f"must be known"
                )
        self._specs = dict(specs)
        self._name = name
        self._state: Any = None

    def open(self, runtime_context: Any) -> None:
        """Find the state; called from ``open`` of the function."""
        from pyflink.common import Types
        from pyflink.datastream.state import ValueStateDescriptor

        descriptor = ValueStateDescriptor(f"modelstream.{self._name}", Types.PICKLED_BYTE_ARRAY())
        self._state = runtime_context.get_state(descriptor)

    def get(self) -> dict[str, Array]:
        """The tensors of this key, each with a batch of 1; zeros at first.

        Raises:
            StateError: what was restored has other shapes or dtypes.
        """
        held = self._state.value()
        if held is None:
            return {name: _zeros(spec) for name, spec in self._specs.items()}
        arrays = held.arrays if isinstance(held, _Held) else codec.decode(held)
        self._check(arrays)
        return dict(zip(self._specs, arrays, strict=True))

    def set(self, tensors: Mapping[str, Array]) -> None:
        """Replace the tensors of this key.

        Raises:
            StateError: one is missing, or of another shape or dtype.
        """
        missing = self._specs.keys() - tensors.keys()
        if missing:
            raise StateError(f"the hidden state lacks {', '.join(sorted(missing))}")
        arrays = [np.asarray(tensors[name]) for name in self._specs]
        self._check(arrays)
        self._state.update(_Held(arrays))

    def clear(self) -> None:
        """Forget this key: a new sequence begins."""
        self._state.clear()

    def _check(self, arrays: list[Array]) -> None:
        for (name, spec), array in zip(self._specs.items(), arrays, strict=False):
            zeros = _zeros(spec)
            if (zeros.dtype, zeros.shape) != (array.dtype, array.shape):
                raise StateError(
                    f"the hidden state {name!r} is {zeros.dtype}{list(zeros.shape)}, not "
                    f"{array.dtype}{list(array.shape)}: after a change of the model give the state "
                    f"another name, which starts anew"
                )
        if len(arrays) != len(self._specs):
            raise StateError(f"the state has {len(arrays)} tensors, the model {len(self._specs)}")


class _Held:
    """Tensors that become bytes when Flink writes them, as plain bytes without this class."""

    def __init__(self, arrays: list[Array]) -> None:
        self.arrays = arrays

    def __reduce__(self) -> tuple[type[bytes], tuple[bytes]]:
        return bytes, (codec.encode(self.arrays),)


def _zeros(spec: TensorSpec) -> Array:
    dtype = dtype_of(spec.dtype)
    zeros = np.zeros((1, *(size or 1 for size in spec.record_shape or ())), dtype.numpy)
    return zeros if dtype.kind is not Kind.STRING else np.full_like(zeros, b"")
