"""The hidden state of a recurrent model: tensors of one key, in Flink's keyed state."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.annotations import checked
from modelstream.convert import TensorSpec, codec
from modelstream.convert.codec import names_hash
from modelstream.convert.dtypes import Kind, dtype_of
from modelstream.errors import OptionError, StateError
from modelstream.flink.keyed import ANEW, check_ttl, value_of_key

Array = npt.NDArray[Any]

_ANEW = (
    f". After a change of the model give the HiddenState another name, which starts anew; a "
    f"RecurrentModel too, and start its job with {ANEW}"
)


class HiddenState:
    """Named tensors that belong to the key of the record that is being processed.

    For a keyed function of your own: make one with the function, ``open`` it in ``open``, then
    ``get`` and ``set`` it while records come. What is set is part of the next checkpoint, and is
    written once a bundle, however often it is set.

    What ``get`` gives cannot be written to, and what ``set`` takes is copied: the state changes
    with ``set`` alone.

    Examples:
        >>> hidden = ms.HiddenState({"h": ms.TensorSpec("float32", (None, 8))})

    Args:
        specs: name → tensor. The first dimension is the batch, of which a key has 1; the others
            must be known. A tensor of strings holds ``bytes``.
        name: what checkpoints call the state: two of one function need two names.
        ttl: None keeps a key for ever. Otherwise one that has not been ``set`` for so long may be
            forgotten, and begins with zeros again.
    """

    @checked()
    def __init__(
        self,
        specs: Mapping[str, TensorSpec],
        name: str = "hidden",
        ttl: timedelta | None = None,
    ) -> None:
        for tensor, spec in specs.items():
            if spec.shape is None or None in spec.shape[1:] or spec.shape == ():
                raise OptionError(
                    f"hidden state {tensor!r} is {spec}: all dimensions but the first, the batch, "
                    f"must be known"
                )
        check_ttl(ttl)
        self._specs = {tensor: specs[tensor] for tensor in sorted(specs)}
        self._names = names_hash(self._specs)
        self._name = name
        self._ttl = ttl
        self._state: Any = _Closed(name)

    def open(self, runtime_context: Any) -> None:
        """Find the state; called from ``open`` of the function."""
        self._state = value_of_key(runtime_context, f"modelstream.{self._name}", self._ttl)

    def get(self) -> dict[str, Array]:
        """The tensors of this key, each with a batch of 1; zeros at first.

        Raises:
            StateError: what was restored has other names, shapes or dtypes.
        """
        held = self._state.value()
        if held is None:
            return {name: _fixed(_zeros(spec)) for name, spec in self._specs.items()}
        if isinstance(held, _Held):
            return dict(zip(self._specs, held.arrays, strict=True))
        arrays = list(map(_fixed, codec.decode(held)))
        self._check(arrays)
        if codec.encoded_names(held) != self._names:
            raise StateError(
                f"the tensors in the state have other names than {', '.join(self._specs)}{_ANEW}"
            )
        return dict(zip(self._specs, arrays, strict=True))

    def set(self, tensors: Mapping[str, Array]) -> None:
        """Replace the tensors of this key.

        Raises:
            StateError: one is missing, or of another shape or dtype.
        """
        missing = self._specs.keys() - tensors.keys()
        if missing:
            raise StateError(f"the hidden state lacks {', '.join(sorted(missing))}")
        arrays = [_fixed(np.array(tensors[name])) for name in self._specs]
        self._check(arrays)
        self._state.update(_Held(arrays, self._names))

    def clear(self) -> None:
        """Forget this key: a new sequence begins."""
        self._state.clear()

    def _check(self, arrays: list[Array]) -> None:
        for (name, spec), array in zip(self._specs.items(), arrays, strict=False):
            zeros = _zeros(spec)
            if (zeros.dtype, zeros.shape) != (array.dtype, array.shape):
                raise StateError(
                    f"the hidden state {name!r} is {zeros.dtype}{list(zeros.shape)}, not "
                    f"{array.dtype}{list(array.shape)}{_ANEW}"
                )
            if array.dtype == object and not all(isinstance(s, bytes) for s in array.flat):
                raise StateError(f"the hidden state {name!r} holds strings, as bytes")
        if len(arrays) != len(self._specs):
            raise StateError(
                f"the state has {len(arrays)} tensors, the model {len(self._specs)}{_ANEW}"
            )


class _Held:
    """Tensors that become bytes when Flink writes them, as plain bytes without this class."""

    def __init__(self, arrays: list[Array], names: int) -> None:
        self.arrays = arrays
        self._names = names

    def __reduce__(self) -> tuple[type[bytes], tuple[bytes]]:
        return bytes, (codec.encode(self.arrays, self._names),)


def _fixed(array: Array) -> Array:
    array.flags.writeable = False
    return array


def _zeros(spec: TensorSpec) -> Array:
    dtype = dtype_of(spec.dtype)
    zeros = np.zeros((1, *(size or 1 for size in spec.record_shape or ())), dtype.numpy)
    return zeros if dtype.kind is not Kind.STRING else np.full_like(zeros, b"")


class _Closed:
    """Stands for the state until it is found."""

    def __init__(self, name: str) -> None:
        self._name = name

    def value(self, *_: object) -> Any:
        raise StateError(
            f"the hidden state {self._name!r} is not open: call its open(runtime_context) in "
            f"open of the function that holds it"
        )

    update = clear = value
