"""CallableModel: a plain Python function as a model, for tests and for other frameworks."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any
from uuid import uuid4

import numpy as np
import numpy.typing as npt

from modelstream.annotations import checked
from modelstream.convert.dtypes import DTYPES, Kind
from modelstream.convert.numbers import MisfitError, cast
from modelstream.convert.spec import Layout, TensorSpec
from modelstream.convert.values import objects
from modelstream.errors import BrokenModelError, ConversionError, SignatureMismatchError
from modelstream.messages import listed
from modelstream.models.cache import ModelCache
from modelstream.models.loaded import LoadedModel
from modelstream.models.options import TensorFlowOptions
from modelstream.models.protocol import Fed
from modelstream.models.signature import DEFAULT_SIGNATURE, PREDICT, Signature, find_signature

Array = npt.NDArray[Any]
Function = Callable[..., Any]

_CACHE: ModelCache[LoadedModel] = ModelCache()


class CallableModel:
    """A Python function as a model. TensorFlow is not imported.

    The function is called with one array for each input, by name, batch first, or with a
    RaggedValue where the input is ragged, and returns a dictionary of arrays by output, or the one
    output alone; for a ragged output lists, or a RaggedValue. It may be called from several threads
    at a time. It is pickled with the job, so that a lambda or a function of a script will do.

    Examples:
        >>> vector, number = ms.TensorSpec("float32", (None, 2)), ms.TensorSpec("float32", (None,))
        >>> model = ms.CallableModel(lambda x: x.sum(axis=1), {"x": vector}, {"y": number})
        >>> with model.open() as opened:
        ...     opened.predict(x=[[1.0, 2.0]])["y"].tolist()
        [3.0]

    Args:
        function: called as ``function(x=…)``; with ``load`` as ``function(loaded, x=…)``. Several
            of them by the names of their signatures.
        inputs: tensors that the one signature, ``serving_default``, takes: name → TensorSpec.
        outputs: tensors that it gives: name → TensorSpec.
        method_name: what the signature says it does: predict, classify or regress.
        signatures: several signatures, instead of inputs and outputs.
        load: called once in each process that opens the model; what it returns is the first
            argument of each function. Here belongs what another framework reads from disk.
        close: called with what ``load`` returned, when the last user has closed the model.
        name: what metrics and messages call it; the function's name if None.

    Raises:
        SignatureMismatchError: functions and signatures do not go together.
    """

    @checked()
    def __init__(
        self,
        function: Function | Mapping[str, Function],
        inputs: Mapping[str, TensorSpec] | None = None,
        outputs: Mapping[str, TensorSpec] | None = None,
        method_name: str = PREDICT,
        *,
        signatures: Iterable[Signature] | None = None,
        load: Callable[[], Any] | None = None,
        close: Callable[[Any], None] | None = None,
        name: str | None = None,
    ) -> None:
        if signatures is None:
            signatures = [_one(inputs, outputs, method_name)]
        self._signatures = {signature.name: signature for signature in signatures}
        self._functions = _by_name(function, self._signatures)
        self._load = load
        self._close = close
        self._name = name or getattr(function, "__name__", "callable").strip("<>")
        self._identity = uuid4().hex

    @property
    def name(self) -> str:
        """What metrics, dead letters and messages call it."""
        return self._name

    @property
    def key(self) -> Hashable:
        """Equal for a model and its pickled copies."""
        return ("CallableModel", self._identity)

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The functions that it offers, by name."""
        return self._signatures

    def open(self, options: TensorFlowOptions | None = None) -> AbstractContextManager[LoadedModel]:
        """Load it, or share the copy that this process has already.

        Args:
            options: nothing to a function; other models take it.

        Raises:
            Exception: whatever ``load`` raises.
        """
        return _CACHE.lease(self.key, self._loaded)

    def _loaded(self) -> LoadedModel:
        state = None if self._load is None else (self._load(),)
        engine = _Engine(self._name, self._signatures, self._functions, state, self._close)
        return LoadedModel(self._name, self._signatures, engine, None)

    def __repr__(self) -> str:
        return f"CallableModel({self._name!r}, signatures={sorted(self._signatures)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, CallableModel) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


class _Engine:
    faults = (ImportError, NameError)

    def __init__(
        self,
        name: str,
        signatures: Mapping[str, Signature],
        functions: Mapping[str, Function],
        state: tuple[Any] | None,
        close: Callable[[Any], None] | None,
    ) -> None:
        self._name = name
        self._signatures = signatures
        self._functions = functions
        self._state = state
        self._close = close

    def call(self, signature: str, inputs: Fed) -> dict[str, Array]:
        """Run a signature on arrays that fit it.

        Raises:
            BrokenModelError: the function does not return what its signature says.
        """
        found = find_signature(self._signatures, signature, self._name)
        given = self._functions[signature](*(self._state or ()), **inputs)
        outputs = given if isinstance(given, Mapping) else self._single(found, given)
        if missing := found.outputs.keys() - outputs.keys():
            raise BrokenModelError(
                f"model {self._name!r} returned {listed(outputs)} for signature {signature!r}, "
                f"which gives {listed(found.outputs)}; missing: {listed(missing)}"
            )
        return {name: _array(outputs[name], spec) for name, spec in found.outputs.items()}

    def close(self) -> None:
        """Give back what was loaded."""
        state, self._state = self._state, None
        if self._close is not None and state is not None:
            self._close(*state)

    def _single(self, signature: Signature, value: Any) -> dict[str, Any]:
        if len(signature.outputs) == 1:
            return dict.fromkeys(signature.outputs, value)
        raise BrokenModelError(
            f"model {self._name!r} returned {type(value).__name__} for signature "
            f"{signature.name!r}: return a dictionary with {listed(signature.outputs)}"
        )


def _one(
    inputs: Mapping[str, TensorSpec] | None,
    outputs: Mapping[str, TensorSpec] | None,
    method_name: str,
) -> Signature:
    if not outputs:
        raise SignatureMismatchError(
            "a function does not say what it takes and gives: give inputs and outputs for one "
            "signature, or signatures for several"
        )
    return Signature(DEFAULT_SIGNATURE, method_name, _named(inputs or {}), _named(outputs))


def _by_name(
    function: Function | Mapping[str, Function], signatures: Mapping[str, Signature]
) -> dict[str, Function]:
    if not isinstance(function, Mapping):
        return dict.fromkeys(signatures, function)
    if function.keys() != signatures.keys():
        raise SignatureMismatchError(
            f"there are functions for {listed(function)} and signatures {listed(signatures)}: "
            f"give one function for each signature"
        )
    return dict(function)


def _named(specs: Mapping[str, TensorSpec]) -> dict[str, TensorSpec]:
    """Each spec with the name under which it is known."""
    return {name: replace(spec, name=name) for name, spec in specs.items()}


def _array(value: Any, spec: TensorSpec) -> Array:
    """An output as an array of the dtype that its signature says; rows of a ragged one as lists."""
    dtype = DTYPES.get(spec.dtype)
    if spec.layout is Layout.RAGGED:
        rows = value.tolist() if hasattr(value, "tolist") else value
        return objects([_listed(each) for each in rows])
    if dtype is None or dtype.kind is Kind.STRING:
        return np.asarray(value, object if dtype else None)
    array = np.asarray(value)
    rounds = dtype.kind is Kind.INTEGER and array.dtype.kind in "iuf"
    narrows = dtype.kind is Kind.FLOAT and array.dtype.kind == "f"
    if not (rounds or narrows) or _is_exact(value, array):
        return np.asarray(value, dtype.numpy)
    try:
        return cast(array, dtype, widened=True)
    except MisfitError as error:
        raise ConversionError(f"the model gave for {spec.name!r} ({spec}): {error}") from None


def _is_exact(value: Any, array: Array) -> bool:
    """Whether the values are integers of Python, some of which numpy alone would round."""
    is_plain = isinstance(value, list | tuple) and {*map(type, value)} == {int}
    return is_plain and array.dtype.kind == "f"


def _listed(row: Any) -> Any:
    return row.tolist() if hasattr(row, "tolist") else list(row)
