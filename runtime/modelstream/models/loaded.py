"""A SavedModel in memory, by whichever of TensorFlow's loaders takes it."""

import gc
import logging
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol, cast

import numpy.typing as npt

from modelstream.convert.columns import plain, to_tensor
from modelstream.convert.fields import fields
from modelstream.convert.inputs import Tensor, to_input
from modelstream.convert.raggedvalue import RaggedValue
from modelstream.convert.spec import Layout, TensorSpec
from modelstream.errors import (
    BrokenModelError,
    ConversionError,
    ModelLoadError,
    SignatureMismatchError,
)
from modelstream.messages import excerpt, listed, suggestion
from modelstream.models import metagraph
from modelstream.models.layouts import is_callable
from modelstream.models.methods import Method, method_for
from modelstream.models.options import TensorFlowOptions
from modelstream.models.packages import missing_operation
from modelstream.models.padding import has_one_batch, in_parts
from modelstream.models.protocol import Fed, Model
from modelstream.models.readable import readable_copy
from modelstream.models.signature import DEFAULT_SIGNATURE, Signature, check_runs, find_signature

log = logging.getLogger(__name__)


class Engine(Protocol):
    """What one of TensorFlow's loaders made of a model."""

    @property
    def faults(self) -> tuple[type[Exception], ...]:
        """What it raises where the model cannot work, whatever it is given."""

    def call(self, signature: str, inputs: Fed) -> dict[str, npt.NDArray[Any]]:
        """Run a signature on arrays that fit it."""

    def close(self) -> None:
        """Give the memory back."""


class LoadedModel:
    """A model in memory: checks what goes in, hands it to the engine that loaded it.

    Args:
        name: for messages. Models of different names may share it.
        signatures: the functions that it offers.
        engine: what runs it.
        copy: a directory to be removed in the end.
    """

    def __init__(
        self, name: str, signatures: Mapping[str, Signature], engine: Engine, copy: Path | None
    ) -> None:
        self._name = name
        self._signatures = signatures
        self._engine = engine
        self._copy = copy

    @property
    def name(self) -> str:
        """What messages call it."""
        return self._name

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The functions that it offers, by name."""
        return self._signatures

    def with_signatures(self, signatures: Mapping[str, Signature]) -> "LoadedModel":
        """Itself, known by what its user says of its signatures."""
        self._signatures = signatures
        return self

    @property
    def engine(self) -> Engine:
        """What runs it."""
        return self._engine

    def call(self, signature: str, inputs: Fed) -> dict[str, npt.NDArray[Any]]:
        """Run one signature on a batch.

        Raises:
            SignatureNotFoundError: there is no such signature.
            SignatureMismatchError: tensors are missing or too many, or no RaggedValue where the
                input is ragged.
            BrokenModelError: the model cannot work, whatever it is given.
        """
        found = find_signature(self._signatures, signature, self._name)
        _check_callable(found, inputs)
        _check_layouts(found, inputs)
        return self._called(signature, inputs)

    def predict(
        self, signature: str = DEFAULT_SIGNATURE, /, **tensors: object
    ) -> dict[str, npt.NDArray[Any]]:
        """Run one signature on a batch of Python values: ``m.predict(x=[[1.0, 2.0]])``.

        A signature that was exported for one batch size is called with such batches.

        Raises:
            ConversionError: a value does not fit its tensor.
            BrokenModelError: the model cannot work, whatever it is given.
            SignatureMismatchError: tensors are missing or too many, or have no names.
        """
        check_name(signature)
        found = find_signature(self._signatures, signature, self._name)
        _check_callable(found, tensors)
        arrays = {name: _argument(values, found.inputs[name]) for name, values in tensors.items()}
        size = _only_batch(found, arrays)
        if size is None:
            return self._called(signature, arrays)
        records = {name: each for name, each in arrays.items() if found.inputs[name].shape != ()}
        n = len(next(iter(records.values())))
        return in_parts(size, n, records, lambda part: self._part(found, {**arrays, **part}, size))

    def score(self, record: Any, method: Method | None = None) -> dict[str, Any]:
        """One record through a method: output column → value, in Python's own types.

        Args:
            record: a Row, a dict, a tuple (fields ``f0``, ``f1``, …), or the value of the only
                input.
            method: how the model is called; what its exporter meant if None.

        Raises:
            ConversionError: the record does not fit, or its result does not.
        """
        default = find_signature(self._signatures, DEFAULT_SIGNATURE, self._name)
        bound = (method or method_for(default)).bind(cast(Model, self))
        given = fields(record)
        if given is None:
            given = dict.fromkeys(bound.inputs, record)
        if missing := bound.inputs.keys() - given.keys():
            raise ConversionError(f"the record lacks {listed(missing)}; it has {listed(given)}")
        tensors = bound.encode({name: [given[name]] for name in bound.inputs})
        columns = bound.read(bound.run(self, tensors), 1)
        return {name: plain(values[0]) for name, values in columns.items()}

    def close(self) -> None:
        """Give the memory back, then remove the temporary copy it was read from.

        A graph is a web of cycles that holds the model's constants: it is collected here, because
        Python's own collector sees a few small objects and may wait for very long.
        """
        self._engine.close()
        gc.collect()
        if self._copy is not None:
            shutil.rmtree(self._copy, ignore_errors=True)

    def _part(self, signature: Signature, inputs: Fed, size: int) -> dict[str, npt.NDArray[Any]]:
        """One of several calls, whose outputs are put together by records."""
        outputs = self._called(signature.name, inputs)
        for name, array in outputs.items():
            if array.ndim == 0 or len(array) != size:
                raise _takes_only(signature, size, f"; its output {name!r} has no row a record")
        return outputs

    def _called(self, signature: str, inputs: Fed) -> dict[str, npt.NDArray[Any]]:
        try:
            return self._engine.call(signature, inputs)
        except self._engine.faults as error:
            said = str(error).removeprefix("Graph execution error:").strip()
            raise BrokenModelError(
                f"signature {signature!r} of model {self._name!r} cannot work, whatever it is "
                f"given: {type(error).__name__}: {said}"
            ) from error


def _only_batch(signature: Signature, arrays: Fed) -> int | None:
    """The batch size that a signature takes, where other than that many records are given."""
    inputs = {name: spec for name, spec in signature.inputs.items() if spec.shape != ()}
    if all(spec.batch in (None, len(arrays[name])) for name, spec in inputs.items()):
        return None
    size = next(spec.batch for spec in inputs.values() if spec.batch)
    lengths = {len(arrays[name]) for name in inputs}
    outputs = signature.outputs.values()
    rows = all(spec.shape != () and spec.batch in (size, None) for spec in outputs)
    if len(lengths) > 1 or 0 in lengths or not rows or not has_one_batch(inputs):
        raise _takes_only(signature, size)
    return size


def _takes_only(signature: Signature, size: int | None, why: str = "") -> SignatureMismatchError:
    return SignatureMismatchError(
        f"signature {signature.name!r} was exported for {size} records at a time: call it with "
        f"that many ({signature}){why}"
    )


def check_name(signature: object) -> None:
    """Refuse values where the name of a signature belongs.

    Raises:
        SignatureMismatchError: it is not a name.
    """
    if not isinstance(signature, str):
        raise SignatureMismatchError(
            f"predict takes tensors by name, and {excerpt(signature)} has none: write "
            f"predict(x=[[1.0, 2.0]]); only a signature's name may come first"
        )


def _argument(values: Any, spec: TensorSpec) -> Tensor:
    if spec.shape == ():
        scalar = TensorSpec(spec.dtype, (None,), spec.name)
        return to_tensor([values], scalar, allow_nan=True).reshape(())
    return to_input(values, spec, allow_nan=True)


def _check_callable(signature: Signature, inputs: Mapping[str, object]) -> None:
    check_runs(signature)
    if not is_callable(signature):
        raise SignatureMismatchError(
            f"signature {signature.name!r} takes or gives sparse tensors, which are not supported: "
            f"{signature}"
        )
    if signature.inputs.keys() == inputs.keys():
        return
    missing = signature.inputs.keys() - inputs.keys()
    extra = inputs.keys() - signature.inputs.keys()
    if missing:
        raise SignatureMismatchError(
            f"signature {signature.name!r} takes {listed(signature.inputs)}; "
            f"missing: {listed(missing)}"
        )
    for name in sorted(extra):
        whole = next((whole for whole, parts in signature.parts.items() if name in parts), None)
        if whole is not None:
            raise SignatureMismatchError(
                f"signature {signature.name!r} takes {name!r} as a part of the ragged input "
                f"{whole!r}: give {whole!r} alone, its rows as nested lists or as a RaggedValue"
            )
        raise SignatureMismatchError(
            f"signature {signature.name!r} has no input {name!r}"
            f"{suggestion(name, signature.inputs)}; it takes {listed(signature.inputs)}"
        )


def _check_layouts(signature: Signature, inputs: Fed) -> None:
    for name, spec in signature.inputs.items():
        ragged = spec.layout is Layout.RAGGED
        takes = f"a RaggedValue of ragged rank {spec.ragged_rank}" if ragged else "an array"
        if _ragged_rank(inputs[name]) != (spec.ragged_rank if ragged else None):
            raise SignatureMismatchError(
                f"call takes {takes} for input {name!r} ({spec}) of signature {signature.name!r}, "
                f"not {_title(inputs[name])}: predict converts what it is given"
            )


def _ragged_rank(tensor: Tensor) -> int | None:
    return len(tensor.splits) if isinstance(tensor, RaggedValue) else None


def _title(tensor: Tensor) -> str:
    rank = _ragged_rank(tensor)
    return type(tensor).__name__ + ("" if rank is None else f" of ragged rank {rank}")


Loader = Callable[[Path, tuple[str, ...], Mapping[str, Signature], TensorFlowOptions], Engine]


def tensorflow_loaders() -> dict[str, Loader]:
    """TensorFlow's two loaders in the order in which they are tried.

    The v1 session loader comes first: it loads TF2 exports as well as those of TF1, also some that
    the v2 loader refuses, and its calls are a little faster.
    """
    # Both import TensorFlow, which takes seconds.
    from modelstream.models.eager_engine import EagerEngine
    from modelstream.models.session_engine import SavedModelEngine

    return {"v1 session loader": SavedModelEngine, "v2 loader": EagerEngine}


def load(
    directory: Path,
    tags: tuple[str, ...],
    options: TensorFlowOptions,
    loaders: Callable[[], Mapping[str, Loader]] = tensorflow_loaders,
    ragged: metagraph.Ragged = MappingProxyType({}),
) -> LoadedModel:
    """Load a SavedModel with the first loader that takes it.

    Args:
        directory: with saved_model.pb.
        tags: those that the meta graph has.
        options: how TensorFlow runs it.
        loaders: title → loader, in the order in which they are tried.
        ragged: ragged input → the plain inputs that it is made of, where the model does not tell.

    Raises:
        ModelLoadError: none does; lists what each said.
    """
    saved_model = metagraph.read(directory)
    signatures = metagraph.signatures(metagraph.meta_graph(saved_model, tags, directory), ragged)
    copy = readable_copy(directory, saved_model)
    try:
        engine = _engine(directory, loaders(), copy or directory, tags, signatures, options)
    except BaseException:
        if copy is not None:
            shutil.rmtree(copy, ignore_errors=True)
        raise
    return LoadedModel(str(directory), signatures, engine, copy)


def _engine(
    directory: Path, loaders: Mapping[str, Loader], source: Path, *arguments: Any
) -> Engine:
    causes: dict[str, Exception] = {}
    for title, loader in loaders.items():
        try:
            return loader(source, *arguments)
        except Exception as error:  # whatever TensorFlow raises: the next loader may do
            causes[title] = error
            log.info("the %s refuses %s: %s", title, directory, error)
    raise _load_error(directory, causes)


def _load_error(directory: Path, causes: Mapping[str, Exception]) -> ModelLoadError:
    if told := missing_operation(causes.values()):
        return ModelLoadError(f"TensorFlow cannot load the model {directory}: {told}")
    said = "".join(
        f"\n  {title}: {type(error).__name__}: {error}" for title, error in causes.items()
    )
    values = directory / "variables"
    lacks = "variables/variables" in said and not (
        (values / "variables.index").is_file() and any(values.glob("variables.data-*"))
    )
    wrong = "lacks files" if lacks else "has files that are cut" if _CUT.search(said) else ""
    copied = f" {values} {wrong}: was it copied completely?" if wrong else ""
    return ModelLoadError(f"TensorFlow cannot load the model {directory}:{copied}{said}")


_CUT = re.compile(r"Read less bytes|sstable|[Cc]hecksum|truncated", re.ASCII)
"""What TensorFlow says of files of variables that are shorter than they were, or others."""
