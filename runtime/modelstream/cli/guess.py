"""The Flink SQL types of columns, told from their values and from the tensors that they feed."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from modelstream.cli.sample import is_number
from modelstream.convert import Layout, TensorSpec, sql_type
from modelstream.convert.dtypes import dtype_of
from modelstream.convert.flinktypes import quoted
from modelstream.convert.spec import ranks

_WHOLE = re.compile(r"[+-]?\d{1,18}")
_LARGEST = 1 << 63


def column_type(spec: TensorSpec | None, values: Sequence[Any], *, text: bool) -> str:
    """The type of a column.

    Args:
        spec: the tensor that it feeds, if it feeds one.
        values: some of its values.
        text: they are fields of CSV.
    """
    if spec is None:
        return natural_text(values) if text else natural(values)
    return type_for_text(spec) if text else type_for(spec, values)


def type_for(spec: TensorSpec, values: Sequence[Any]) -> str:
    """The type of a column that feeds the tensor, in the form that its values have.

    A tensor of ``[?, 1]`` takes a number and an array of one: the values say which of them.
    """
    if spec.layout is Layout.SPARSE:
        return natural(values)  # which the method refuses, in its own words
    element, allowed = dtype_of(spec.dtype).sql, ranks(spec)
    value = next((each for each in values if each is not None), None)
    if isinstance(value, Mapping) and element == "STRING":
        return natural(values)
    depth = _depth(value)
    if value is None or (allowed is not None and depth not in allowed):
        return sql_type(spec)
    return "ARRAY<" * depth + element + ">" * depth


def type_for_text(spec: TensorSpec) -> str:
    """The same in CSV, where a field is a scalar wherever the tensor takes one."""
    allowed, element = ranks(spec), dtype_of(spec.dtype).sql
    return element if allowed is None or 0 in allowed else sql_type(spec)


def natural(values: Iterable[Any]) -> str:
    """The type of JSON values: what all of them are; STRING, which holds any, where they differ."""
    found = [each for each in values if each is not None]
    kinds = {type(each) for each in found}
    if kinds == {bool}:
        return "BOOLEAN"
    if kinds == {int}:
        return "BIGINT" if all(-_LARGEST <= each < _LARGEST for each in found) else "STRING"
    if kinds and kinds <= {int, float}:
        return "DOUBLE"
    if kinds == {list}:
        return f"ARRAY<{natural(inner for each in found for inner in each)}>"
    if kinds == {dict} and any(found):
        return _row(found)
    return "STRING"


def natural_text(values: Sequence[str]) -> str:
    """The type of the fields of a CSV column."""
    found = [each.strip() for each in values if each.strip()]
    if found and all(map(_WHOLE.fullmatch, found)):
        return "BIGINT"
    if found and all(map(is_number, found)):
        return "DOUBLE"
    if found and {each.lower() for each in found} <= {"true", "false"}:
        return "BOOLEAN"
    return "STRING"


def _row(objects: Sequence[Mapping[str, Any]]) -> str:
    names = dict.fromkeys(name for each in objects for name in each)
    fields = (f"{quoted(n)} {natural(each.get(n) for each in objects)}" for n in names)
    return f"ROW<{', '.join(fields)}>"


def _depth(value: Any) -> int:
    """How deep lists nest, as far as their first elements tell."""
    depth = 0
    while isinstance(value, list):
        depth, value = depth + 1, value[0] if value else None
    return depth
