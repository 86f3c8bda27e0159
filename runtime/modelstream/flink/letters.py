"""Dead letters of DataStreams: rows with the columns of DEAD_LETTER_COLUMNS."""

from typing import TYPE_CHECKING, Any

from pyflink.common import Instant, Row
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import OutputTag

from modelstream.errors import OptionError
from modelstream.failure import Failure
from modelstream.flink.types import row_type
from modelstream.scoring.letter import DEAD_LETTER_COLUMNS, key_bytes, payload

if TYPE_CHECKING:
    from pyflink.datastream import DataStream

_TAG = "modelstream-dead-letters"
_ATTACHED = "_modelstream_dead_letters"


def tag() -> OutputTag:
    """The side output that dead letters leave a function by."""
    return OutputTag(_TAG, row_type(DEAD_LETTER_COLUMNS))


def attach(stream: "DataStream") -> "DataStream":
    """Let `dead_letters` find the side output of a stream.

    Flink hands side outputs over only where something reads them; otherwise they would arrive
    among the results. So something reads them from here on.
    """
    setattr(stream, _ATTACHED, stream.get_side_output(tag()).name("Dead Letters"))
    return stream


def dead_letters(stream: "DataStream") -> "DataStream":
    """The dead letters of a stream that was made with ``on_error=DeadLetter()``.

    Args:
        stream: what `map_with_model`, `flat_map_with_model`, … returned.

    Returns:
        A stream of rows with the columns of `modelstream.scoring.letter.DEAD_LETTER_COLUMNS`.

    Raises:
        OptionError: it has none.
    """
    found = getattr(stream, _ATTACHED, None)
    if found is None:
        raise OptionError(
            "this stream has no dead letters: make it with on_error=DeadLetter(), and ask the "
            "very stream that comes back"
        )
    return found


def letter(record: Any, failure: Failure, model: str, key: Any = None) -> Row:
    """The dead letter of one record. Whatever is in the record, it is made."""
    identity = key_bytes(key)
    return Row(
        key=None if identity is None else bytearray(identity),
        payload=bytearray(payload(record)),
        stage=str(failure.stage),
        error_type=failure.error_type,
        message=failure.message,
        model=model,
        time=Instant.of_epoch_milli(failure.time),
    )


def dead_letter_type() -> TypeInformation:
    """Rows of DEAD_LETTER_COLUMNS."""
    return row_type(DEAD_LETTER_COLUMNS)


def dead_letter(key: str, record: dict[str, Any], failure: Failure, model: str) -> Any:
    """One dead letter; its payload is the record as a JSON object."""
    return letter(record, failure, model, key)
