"""JSON records written beside the model, in the bytes that Flink's json format writes for them.

What is decoded in the worker goes on as bytes then: no column crosses to the JVM to be written
there. A number has the fewest digits that give it back, which is what Java 19 and later writes;
older ones write one digit more for a few.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from modelstream.convert.flinktypes import FlinkType, parse_type
from modelstream.job.decode.scalars import BITS
from modelstream.models import ColumnType
from modelstream.scoring.plan import Plan
from modelstream_crds.v1alpha1 import Column

if TYPE_CHECKING:
    from modelstream.job.tables import TablePlan

Texts = list[bytes]

_FLOATS: dict[str, type[np.floating[Any]]] = {"FLOAT": np.float32, "DOUBLE": np.float64}
_SCALARS = frozenset({"STRING", "BOOLEAN", *_FLOATS, *BITS})
_WRITTEN = re.compile(r"(?:ARRAY<)?(?:" + "|".join(sorted(_SCALARS)) + r")>?")
_OPTIONS = {
    "filesystem": re.compile(r"path|sink\.rolling-policy\..*|sink\.parallelism"),
    "kafka": re.compile(r"topic|properties\..*|sink\..*"),
}
"""Options of a sink that do not ask for more than a record's bytes."""
_ESCAPE = re.compile(rb"\\(u[0-9a-f]{4}|.)")
_NULL = b"null"


@dataclass(frozen=True)
class JsonEncoder:
    """One JSON object a record, with its columns in their order.

    Attributes:
        columns: numbers, text and booleans, and arrays of them.
    """

    columns: tuple[ColumnType, ...]

    def encode(self, columns: Mapping[str, Any]) -> Texts:
        """The records of some columns, one value each a record; None is null."""
        heads = [orjson.dumps(each.name).replace(b"%", b"%%") for each in self.columns]
        template = b"{" + b",".join(head + b":%b" for head in heads) + b"}"
        texts = [_texts(columns[each.name], parse_type(each.type)) for each in self.columns]
        return list(map(template.__mod__, zip(*texts, strict=True)))


def beside(plan: Plan, sink: "TablePlan", columns: Sequence[Column]) -> "tuple[Plan, TablePlan]":
    """The plan that makes the sink's records beside the model, and the sink that takes their bytes.

    Both are as they were where something of a record is not in the worker, or Flink has to write.

    Args:
        plan: with the decoder of the source's records.
        sink: as the manifest states it.
        columns: those of the source.
    """
    if plan.decoder is None or plan.decoded != plan.kept:
        return plan, sink
    types = {column.name: column.type for column in columns}
    kept = [ColumnType(name, types[name]) for name in plan.kept]
    made = encoder(sink, [*kept, *plan.bound.output_columns])
    return (
        (plan, sink) if made is None else (replace(plan, encoder=made), replace(sink, format="raw"))
    )


def encoder(sink: "TablePlan", columns: Sequence[ColumnType]) -> JsonEncoder | None:
    """What writes these columns for the sink; None where Flink has to do that."""
    known = _OPTIONS.get(sink.connector)
    if sink.format != "json" or known is None or not all(map(known.fullmatch, sink.options)):
        return None
    if not all(_WRITTEN.fullmatch(each.type.upper()) for each in columns):
        return None
    return JsonEncoder(tuple(columns))


def _texts(values: Any, kind: FlinkType) -> Texts:
    if kind.name == "ARRAY":
        return _array_texts(values, kind.children[0])
    if kind.name in _FLOATS:
        return _float_texts(values, _FLOATS[kind.name])
    if kind.name == "STRING":
        return _string_texts(_listed(values))
    return _split(orjson.dumps(_listed(values)))


def _split(written: bytes) -> Texts:
    """The elements of a JSON array of numbers, booleans and nulls."""
    return written[1:-1].split(b",") if len(written) > 2 else []  # b"[]"


def _float_texts(values: Any, dtype: type[np.floating[Any]]) -> Texts:
    nulls: list[int] = []
    if not isinstance(values, np.ndarray) or values.dtype.kind not in "fiu":
        values = _listed(values)
        if None in values:
            nulls = [at for at, value in enumerate(values) if value is None]
            values = [0.0 if value is None else value for value in values]
    with np.errstate(over="ignore"):
        numbers = np.ascontiguousarray(values, dtype)
    texts = _split(orjson.dumps(numbers, option=orjson.OPT_SERIALIZE_NUMPY))
    sizes = np.abs(numbers)
    plain = ((sizes >= 1e-3) & (sizes < 1e7)) | (sizes == 0)  # Java has no exponent there
    for at in np.flatnonzero(~plain).tolist():
        texts[at] = _with_exponent(texts[at]) if np.isfinite(sizes[at]) else _named(numbers[at])
    for at in nulls:
        texts[at] = _NULL
    return texts


def _with_exponent(text: bytes) -> bytes:
    """A number as Java writes it: one digit, a point, at least one more digit, and an exponent."""
    sign = b"-" if text.startswith(b"-") else b""
    mantissa, _, exponent = text[len(sign) :].partition(b"e")
    whole, _, fraction = mantissa.partition(b".")
    digits = (whole + fraction).lstrip(b"0")
    power = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits)) - 1
    digits = digits.rstrip(b"0")
    return b"%b%b.%bE%d" % (sign, digits[:1], digits[1:] or b"0", power)


def _named(number: Any) -> bytes:
    if np.isnan(number):
        return b'"NaN"'
    return b'"Infinity"' if number > 0 else b'"-Infinity"'


def _string_texts(values: list[Any]) -> Texts:
    if set(map(type, values)) == {str}:
        written = orjson.dumps(values)
        if b"\\" not in written:  # each quote is one of an end
            return [b'"%b"' % text for text in written[2:-2].split(b'","')]
    return [_NULL if value is None else _string_text(value) for value in values]


def _string_text(value: str) -> bytes:
    written = orjson.dumps(value)
    return _ESCAPE.sub(_in_capitals, written) if b"\\u" in written else written


def _in_capitals(escape: "re.Match[bytes]") -> bytes:
    letters = escape[1]
    return b"\\u" + letters[1:].upper() if len(letters) > 1 else escape[0]


def _array_texts(values: Any, element: FlinkType) -> Texts:
    if isinstance(values, np.ndarray) and values.ndim > 1:
        return _joined(_texts(values.reshape(-1), element), [values.shape[1]] * len(values))
    rows = _listed(values)
    known = [row for row in rows if row is not None]
    texts = iter(_joined(_texts(_flat(known), element), map(len, known)))
    return [_NULL if row is None else next(texts) for row in rows]


def _flat(rows: list[Any]) -> Any:
    """The elements of lists or of arrays, end to end."""
    kinds = {each.dtype if isinstance(each, np.ndarray) else None for each in rows}
    if len(kinds) == 1 and None not in kinds:
        return np.concatenate(rows)
    return list(chain.from_iterable(map(_listed, rows)))


def _joined(texts: Texts, lengths: Iterable[int]) -> Texts:
    found, start = [], 0
    for length in lengths:
        found.append(b"[" + b",".join(texts[start : start + length]) + b"]")
        start += length
    return found


def _listed(values: Any) -> list[Any]:
    listed: list[Any] = values.tolist() if hasattr(values, "tolist") else list(values)
    return listed
