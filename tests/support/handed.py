"""Columns as PyFlink hands them to a pandas function."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa


def handed(*columns: Any) -> list[Any]:
    """Columns c0, c1, … of a batch, once PyFlink remembers them."""
    return named({f"c{at}": column for at, column in enumerate(columns)})


def named(columns: Mapping[str, Any]) -> list[Any]:
    """The same of columns with names."""
    from pyflink.fn_execution import coders
    from pyflink.table import DataTypes

    from modelstream.flink import arrow

    arrow.keep_columns()
    batch = pa.RecordBatch.from_arrays(list(columns.values()), list(columns))
    row = DataTypes.ROW([DataTypes.FIELD("a", DataTypes.INT())])
    kinds = [row if pa.types.is_struct(each.type) else DataTypes.INT() for each in columns.values()]
    given: list[Any] = coders.coder_impl.arrow_to_pandas("UTC", kinds, [batch])
    return given
