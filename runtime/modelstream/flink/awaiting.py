"""Asynchronous functions over DataStreams, as PyFlink bears them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from pyflink.common import Time, Types
from pyflink.datastream import AsyncDataStream, AsyncFunction, OutputTag
from pyflink.datastream.functions import ProcessFunction

from modelstream.failure import DEAD_LETTER_COLUMNS, DeadLetter, OnError
from modelstream.flink import letters
from modelstream.flink.chains import leave_chain
from modelstream.flink.types import row_type
from modelstream.scoring.batch import Batch

if TYPE_CHECKING:
    from pyflink.common import TypeInformation
    from pyflink.datastream import DataStream

_FOREVER = 0  # any other time-out costs a thread for each record
_BATCHES_IN_FLIGHT = 4


def awaited(
    stream: "DataStream",
    function: AsyncFunction,
    kind: "TypeInformation",
    on_error: OnError,
    batch: Batch,
) -> "DataStream":
    """The results of an asynchronous function, in the order of the records.

    An asynchronous function has no side outputs: with DeadLetter it returns rows (result, letter),
    of which one is null, and they part behind it.
    """
    lettered = isinstance(on_error, DeadLetter)
    both = Types.ROW_NAMED(["result", "letter"], [kind, row_type(DEAD_LETTER_COLUMNS)])
    results = AsyncDataStream.ordered_wait(
        stream,
        function,
        Time.milliseconds(_FOREVER),
        batch.max_size * _BATCHES_IN_FLIGHT,
        both if lettered else kind,
    )
    leave_chain(stream, results)
    if not lettered:
        return results
    # Apart from the asynchronous function: chained to it, side outputs end in an AttributeError.
    return letters.attach(results.process(_Split(), kind).start_new_chain())


class _Split(ProcessFunction):  # type: ignore[misc]  # pyflink has no types
    """Rows (result, letter) into two streams."""

    def open(self, runtime_context: Any) -> None:
        self._tag: OutputTag = letters.tag()

    def process_element(self, value: Any, ctx: Any) -> Iterable[Any]:
        yield value[0] if value[1] is None else (self._tag, value[1])
