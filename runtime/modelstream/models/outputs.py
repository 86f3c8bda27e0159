"""Which outputs of a signature become columns, and how."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy.typing as npt

from modelstream.convert.columns import from_tensor
from modelstream.convert.dtypes import DTYPES, dtype_of
from modelstream.convert.fit import sql_type
from modelstream.convert.flinktypes import ColumnType, parse_type
from modelstream.convert.spec import Layout, TensorSpec
from modelstream.errors import BrokenModelError, ConversionError, SignatureMismatchError
from modelstream.messages import listed, suggestion
from modelstream.models.bound import Columns
from modelstream.models.layouts import is_ragged
from modelstream.models.protocol import Tensors
from modelstream.models.signature import Signature

Array = npt.NDArray[Any]
_ALSO = {"string": ("BYTES",), "uint64": ("BIGINT",)}
"""What a column may be stated to be, beside what its dtype alone makes of it."""
_DECIMAL = re.compile(r"DEC(?:IMAL)?\b(?:\s*\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\))?", re.I)
_UINT64_DIGITS = 20


@dataclass(frozen=True)
class TensorColumns:
    """A reader that makes one column of one tensor.

    Attributes:
        sources: column → tensor.
        types: column → Flink SQL type, which may leave out dimensions of size 1.
    """

    sources: Mapping[str, str]
    types: Mapping[str, str]

    @property
    def tensors(self) -> tuple[str, ...]:
        """The outputs that it reads."""
        return tuple(dict.fromkeys(self.sources.values()))

    @property
    def columns(self) -> tuple[ColumnType, ...]:
        """The columns that it makes."""
        return tuple(ColumnType(column, self.types[column]) for column in self.sources)

    def read(self, tensors: Tensors) -> Columns:
        """The output columns, one value a record."""
        return {
            column: _column(column, tensors[tensor], self.types[column])
            for column, tensor in self.sources.items()
        }


def tensor_columns(
    signature: Signature, outputs: Mapping[str, str] | None, types: Mapping[str, str]
) -> TensorColumns:
    """Which column comes from which output, with its type.

    Args:
        signature: the function that runs.
        outputs: column → tensor; None gives every output that has one row a record.
        types: column → Flink SQL type, where the signature does not tell enough.

    Raises:
        SignatureMismatchError: an output does not exist, has no batch, or does not fit its type.
    """
    sources = _per_record(signature) if outputs is None else dict(outputs)
    for column, tensor in sources.items():
        _check_exists(signature, column, tensor)
    for column in types:
        if column not in sources:
            raise SignatureMismatchError(
                f"types names the column {column!r}, which is not an output column"
                f"{suggestion(column, sources)}; those are {listed(sources)}"
            )
    return TensorColumns(
        sources,
        {
            column: _type(signature.outputs[tensor], column, types.get(column))
            for column, tensor in sources.items()
        },
    )


def check_rows(signature: Signature, output: str, cannot: str) -> None:
    """Refuse an output that has no row for each record.

    Args:
        signature: the function that runs.
        output: one of its outputs.
        cannot: what it cannot be, for the message.

    Raises:
        SignatureMismatchError: says why.
    """
    if reason := problem(signature, output):
        raise SignatureMismatchError(
            f"output {output!r} of signature {signature.name!r} ({signature.outputs[output]}) "
            f"{cannot}: {reason}"
        )


def problem(signature: Signature, output: str) -> str | None:
    """Why an output has no row for each record; None where it has, as far as its shape tells."""
    spec = signature.outputs[output]
    if spec.dtype not in DTYPES:
        return f"no column can carry {spec.dtype}: export the model with numbers, texts or booleans"
    if not has_rows(spec):
        return "it has no dense row for each record"
    if spec.batch is None or spec.batch in {each.batch for each in signature.inputs.values()}:
        return None
    return f"its first dimension is {spec.batch} for any number of records: it is not a batch"


def has_rows(spec: TensorSpec) -> bool:
    """Whether the tensor can be a column: one row a record, of a dtype that Flink knows."""
    return spec.shape != () and spec.layout is not Layout.SPARSE and spec.dtype in DTYPES


def _per_record(signature: Signature) -> dict[str, str]:
    names = {name: name for name in signature.outputs if problem(signature, name) is None}
    if not names:
        raise SignatureMismatchError(
            f"signature {signature.name!r} gives nothing that has one row a record: "
            f"{', '.join(f'{name} {spec}' for name, spec in signature.outputs.items()) or 'none'}"
        )
    return names


def _check_exists(signature: Signature, column: str, tensor: str) -> None:
    if tensor not in signature.outputs:
        raise SignatureMismatchError(
            f"column {column!r} is to come from output {tensor!r}, which signature "
            f"{signature.name!r} does not have{suggestion(tensor, signature.outputs)}; "
            f"it has {listed(signature.outputs)}"
        )
    check_rows(signature, tensor, f"cannot be the column {column!r}")


def _type(spec: TensorSpec, column: str, stated: str | None) -> str:
    if stated is not None:
        return _stated_type(spec, column, stated)
    if spec.shape is None:
        raise SignatureMismatchError(
            f"the model does not state the rank of output {spec.name!r} ({spec}): "
            f"say what it is in the method, e.g. "
            f"Predict(types={{{column!r}: 'ARRAY<{dtype_of(spec.dtype).sql}>'}}), or for a graph "
            f"in the model, GraphTensor(node, shape=(None, …))"
        )
    return sql_type(spec)


def _stated_type(spec: TensorSpec, column: str, stated: str) -> str:
    parsed, natural = parse_type(stated), dtype_of(spec.dtype).sql
    elements = {natural, *_ALSO.get(spec.dtype, ())}
    if parsed.element.name not in {parse_type(each).name for each in elements} or _cut(stated):
        raise SignatureMismatchError(
            f"column {column!r} cannot be {stated}: output {spec.name!r} ({spec}) gives "
            f"{' or '.join(sorted(elements))} values"
        )
    if spec.record_shape is not None:
        allowed = {len(spec.record_shape), sum(size != 1 for size in spec.record_shape)}
        if parsed.rank not in allowed:
            raise SignatureMismatchError(
                f"column {column!r} cannot be {stated}: output {spec.name!r} ({spec}) has "
                f"{len(spec.record_shape)} dimensions a record"
            )
    return stated


def _cut(stated: str) -> bool:
    """Whether a DECIMAL has fewer digits before its point than uint64 needs."""
    sizes = _DECIMAL.search(stated)
    return sizes is not None and int(sizes[1] or 10) - int(sizes[2] or 0) < _UINT64_DIGITS


def _column(name: str, array: Array, column_type: str) -> Any:
    try:
        return _values(array, column_type)
    except ConversionError as error:
        raise ConversionError(f"column {name!r}: {error}", error.index) from None


def _values(array: Array, column_type: str) -> Any:
    parsed = parse_type(column_type)
    element = parsed.element.name
    return from_tensor(
        ranked(array, parsed.rank), binary=element == "BYTES", signed=element == "BIGINT"
    )


def ranked(array: Array, rank: int) -> Array:
    """A batch whose records have that rank, dimensions of size 1 left out where there are more."""
    if array.ndim - 1 == rank or is_ragged(array):
        return array
    shape = (len(array), *(size for size in array.shape[1:] if size != 1))
    if len(shape) - 1 != rank:
        raise BrokenModelError(
            f"an output has the shape {list(array.shape)}, and its column takes rank {rank} a "
            f"record: the model is at fault and not the record, or what types says of the column"
        )
    return array.reshape(shape)
