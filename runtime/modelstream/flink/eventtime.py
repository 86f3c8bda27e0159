"""Whether the records of a DataStream have times."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyflink.datastream import DataStream

_NO_WATERMARKS = "NoWatermarksGenerator"
_FROM_TABLE = "TableToDataStream"


def has_event_time(stream: "DataStream") -> bool:
    """Whether every record of a stream has a time, and watermarks come with them.

    A table that asks a record without a time for one fails; so where it cannot be told, it is no.
    """
    return _is_timed(stream._j_data_stream.getTransformation())


def _is_timed(transformation: Any) -> bool:
    if transformation.getName() == _FROM_TABLE:
        return _takes_time_along(transformation)
    match transformation.getClass().getSimpleName():
        case "TimestampsAndWatermarksTransformation":
            return True
        case "SourceTransformation":
            return _has_watermarks(transformation.getWatermarkStrategy())
        case _:
            inputs = list(transformation.getInputs())
            return bool(inputs) and all(map(_is_timed, inputs))


def _takes_time_along(conversion: Any) -> bool:
    """A table becomes a stream with times when it has a rowtime column, or hands one over."""
    (table,) = conversion.getInputs()
    columns = str(table.getOutputType().toString())
    return "*ROWTIME*" in columns or "rowtime=true" in str(conversion.getDescription())


def _has_watermarks(strategy: Any) -> bool:
    from py4j.protocol import Py4JJavaError

    try:
        generator = strategy.createWatermarkGenerator(None)
    except Py4JJavaError:  # it looks at the context that is missing here: it has something to do
        return True
    return str(generator.getClass().getSimpleName()) != _NO_WATERMARKS
