"""Flink SQL types held against tensors, before a job starts."""

from modelstream.convert.dtypes import DTYPES, Kind, dtype_of, sql_of
from modelstream.convert.flinktypes import FlinkType, parse_type
from modelstream.convert.spec import Layout, TensorSpec, ranks

SPARSE = "no column can feed a sparse tensor: export the model with dense or ragged inputs"
"""Why no column fits a sparse tensor."""

_INTEGERS = {"TINYINT", "SMALLINT", "INT", "BIGINT"}
_FLOATS = {"FLOAT", "DOUBLE"}
_TAKES = {
    Kind.FLOAT: _INTEGERS | _FLOATS,
    Kind.INTEGER: _INTEGERS,
    Kind.BOOLEAN: {"BOOLEAN"},
    Kind.STRING: {"STRING", "BYTES"},
}
_FEATURES = _INTEGERS | _FLOATS | {"BOOLEAN", "STRING", "BYTES"}
_HINTS = {
    "DECIMAL": "CAST it AS DOUBLE",
    "TIMESTAMP": "a point in time is not a number: convert it, e.g. with UNIX_TIMESTAMP",
    "TIMESTAMP_LTZ": "a point in time is not a number: convert it, e.g. with UNIX_TIMESTAMP",
    "DATE": "a date is not a number: convert it, e.g. with EXTRACT",
    "BOOLEAN": "CAST it AS INT",
    "FLOAT": "a fraction would be lost: CAST it AS BIGINT if that is meant",
    "DOUBLE": "a fraction would be lost: CAST it AS BIGINT if that is meant",
    "MAP": "a map has no order: select its elements into an ARRAY",
}


def sql_type(spec: TensorSpec, *, binary: bool = False) -> str:
    """The Flink SQL type of the column that takes one record of an output: ``ARRAY<FLOAT>``.

    Args:
        spec: the output; its first dimension is the batch.
        binary: a string tensor holds bytes (an image), not text: BYTES instead of STRING.

    Raises:
        SignatureMismatchError: no column can carry the dtype.
    """
    element = dtype_of(spec.dtype).sql
    if binary and element == "STRING":
        element = "BYTES"
    depth = spec.ragged_rank if spec.record_shape is None else len(spec.record_shape)
    return "ARRAY<" * depth + element + ">" * depth


def fits(column: str, spec: TensorSpec) -> bool:
    """Whether values of this Flink SQL type can feed the tensor."""
    return misfit(column, spec) is None


def misfit(column: str, spec: TensorSpec) -> str | None:
    """Why values of this Flink SQL type cannot feed the tensor; None when they can.

    A FLOAT or DOUBLE column never feeds an integer tensor; an integer column feeds a float tensor
    (each value is checked to be exact when it passes). Dimensions of size 1 may be left out. A ROW
    feeds a string tensor as a serialized tf.train.Example. Arrays feed a ragged tensor, whatever
    their lengths.
    """
    if spec.dtype not in DTYPES:
        return f"no column can carry the dtype {spec.dtype}"
    if spec.layout is Layout.SPARSE:
        return SPARSE
    parsed = parse_type(column)
    kind = dtype_of(spec.dtype).kind
    return _wrong_element(parsed, spec, kind) or _wrong_rank(parsed, spec)


def _wrong_element(parsed: FlinkType, spec: TensorSpec, kind: Kind) -> str | None:
    element = parsed.element.name
    if element in _TAKES[kind] or (element == "DECIMAL" and spec.dtype == "uint64"):
        return None
    if element == "ROW" and kind is Kind.STRING:
        return _no_features(parsed.element)
    takes = "/".join(sorted(_TAKES[kind]))
    hint = f"; {hint}" if (hint := _hint(element, kind)) else ""
    return f"{element} values do not fit {spec.dtype}, which takes {takes}{hint}"


def _hint(element: str, kind: Kind) -> str:
    """What to write instead."""
    if meant := sql_of(element):
        return f"{element} is not a type of Flink SQL: write {meant}"
    match kind:
        case Kind.STRING if element not in ("MAP", "ROW"):
            return "CAST it AS STRING"
        case Kind.BOOLEAN if element in _INTEGERS | _FLOATS | {"DECIMAL"}:
            return "compare it, as in x <> 0"
        case Kind.INTEGER if element == "DECIMAL":
            return _HINTS["FLOAT"]
        case _:
            return _HINTS.get(element, "")


def _no_features(row: FlinkType) -> str | None:
    """Why a ROW cannot be a tf.train.Example: a feature is a scalar, or an array of them."""
    for name, child in zip(row.fields, row.children, strict=True):
        kind = child.element.name if child.rank <= 1 else "ARRAY of ARRAY"
        if kind not in _FEATURES:
            inner = "select its fields into the ROW" if kind == "ROW" else _HINTS.get(kind, "")
            hint = f": {inner}" if inner else ": leave it out of the ROW, or CAST it"
            return f"its field {name!r} ({kind}) is not a feature of a tf.train.Example{hint}"
    return None


def _wrong_rank(parsed: FlinkType, spec: TensorSpec) -> str | None:
    if spec.shape == ():
        return (
            f"the tensor is a single value without a batch dimension, which no column can feed: "
            f"give one value for all records, inputs={{{spec.name!r}: Constant(…)}}, in a "
            f"manifest inference.constants"
        )
    allowed = ranks(spec)
    if allowed is None and parsed.rank < spec.ragged_rank:
        allowed = {spec.ragged_rank}
    if allowed is None or parsed.rank in allowed:
        return None
    wanted = " or ".join(_arrays(rank) for rank in sorted(allowed))
    batch = f", as its first dimension counts as the batch ({spec.batch})" if spec.batch else ""
    return f"it is {_arrays(parsed.rank)} per record, the tensor takes {wanted}{batch}"


def _arrays(rank: int) -> str:
    return "a scalar" if rank == 0 else f"an array of rank {rank}"
