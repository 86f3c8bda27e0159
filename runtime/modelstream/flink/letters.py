"""Dead letters of DataStreams: rows with the columns of DEAD_LETTER_COLUMNS."""

from typing import TYPE_CHECKING

from pyflink.common import Instant, Row
from pyflink.common.typeinfo import TypeInformation
from pyflink.datastream import OutputTag

from modelstream.errors import OptionError
from modelstream.flink.types import row_type
from modelstream.scoring.letter import DEAD_LETTER_COLUMNS, Letter

if TYPE_CHECKING:
    from pyflink.datastream import DataStream


def letter_type() -> TypeInformation:
    """Rows of DEAD_LETTER_COLUMNS."""
    return row_type(DEAD_LETTER_COLUMNS)


_TAG = "modelstream-dead-letters"
_ATTACHED = "_modelstream_dead_letters"


def tag() -> OutputTag:
    """The side output that dead letters leave a function by."""
    return OutputTag(_TAG, letter_type())


def attach(stream: "DataStream") -> "DataStream":
    """Let `dead_letters` find the side output of a stream.

    Flink hands side outputs over only where something reads them; otherwise they would arrive
    among the results. So something reads them from here on.
    """
    setattr(stream, _ATTACHED, stream.get_side_output(tag()).name("Dead Letters"))
    return stream


def dead_letters(stream: "DataStream") -> "DataStream":
    """The dead letters of a stream that was made with ``on_error=DeadLetter()``.

    Examples:
        >>> labels = ms.map_with_model(texts, model, language, on_error=ms.DeadLetter())
        >>> ms.dead_letters(labels).sink_to(sink)

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


def as_row(letter: Letter) -> Row:
    """A dead letter as PyFlink takes it."""
    values = vars(letter) | {"time": Instant.of_epoch_milli(letter.time)}
    for name in ("key", "payload"):
        values[name] = None if values[name] is None else bytearray(values[name])
    return Row(**values)
