"""Streams by key: the one value that Flink keeps for a key, how long it does, and its failures."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from modelstream import embedded
from modelstream.arguments import MILLISECOND, check_duration
from modelstream.errors import DivergedError, OptionError
from modelstream.failure import DeadLetter, OnError
from modelstream.scoring.letter import FailedBy
from modelstream.scoring.metrics import ModelMetrics
from modelstream.scoring.settle import Refused, lettered, settle

if TYPE_CHECKING:
    from pyflink.datastream import DataStream, OutputTag

ANEW = "execution.state-recovery.ignore-unclaimed-state"
"""What lets a job start from a savepoint that holds state of an operator that is gone."""


def check_keyed(stream: object, taker: str) -> None:
    """Refuse a stream without keys before a job runs that cannot keep anything for one.

    Raises:
        OptionError: the stream is not keyed.
    """
    from pyflink.datastream import DataStream, KeyedStream

    if not isinstance(stream, KeyedStream):
        made = "" if isinstance(stream, DataStream) else "make a DataStream of it, then "
        raise OptionError(
            f"{taker} takes a keyed stream, and this is a {type(stream).__name__}: {made}key the "
            f"stream first, stream.key_by(lambda record: record.user)"
        )


def value_of_key(runtime_context: Any, name: str, ttl: timedelta | None = None) -> Any:
    """The ValueState of this name, which pickles what it is given."""
    from pyflink.common import Types
    from pyflink.datastream.state import ValueStateDescriptor

    descriptor = ValueStateDescriptor(name, Types.PICKLED_BYTE_ARRAY())
    if ttl is not None:
        descriptor.enable_time_to_live(_ttl_config(ttl))
    return runtime_context.get_state(descriptor)


def check_ttl(ttl: timedelta | None) -> None:
    """Raise for a time to live that Flink would reject.

    Raises:
        OptionError: it is not a timedelta, or less than a millisecond.
    """
    if ttl is not None:
        check_duration("ttl", ttl, ", or None for no end")


def _ttl_config(ttl: timedelta) -> Any:
    """What has ended may be seen until it is cleaned up.

    PyFlink would write the state at each record, and not once a bundle, if it might not.
    """
    from pyflink.common import Time
    from pyflink.datastream.state import StateTtlConfig

    builder = StateTtlConfig.new_builder(Time.milliseconds(ttl // MILLISECOND))
    return builder.update_ttl_on_create_and_write().return_expired_if_not_cleaned_up().build()


def refusals(
    refused: Sequence[Refused],
    key: str,
    on_error: OnError,
    by: FailedBy,
    tag: "OutputTag",
    metrics: ModelMetrics,
) -> Iterator[Any]:
    """What becomes of records of a key that were refused, counted: dead letters by the tag.

    Raises:
        RecordFailedError: there is one, and ``on_error`` is Fail.
    """
    from modelstream.flink.letters import as_row

    n = len(refused)
    metrics.scored(n, n, lettered(on_error, n))
    named = [replace(each, key=key) for each in refused]
    for letter in settle(named, on_error, by):
        yield tag, as_row(letter)


def applied(stream: Any, function: Any, kind: Any, model: str, verb: str) -> "DataStream":
    """The results of a process function, under the name that a savepoint knows its state by."""
    given: DataStream = stream.process(function, output_type=kind)
    return given.name(f"{model}: {verb}").uid(f"modelstream-{model}-{verb}")


def letters_of(scored: "DataStream", tag: "OutputTag", on_error: OnError) -> "DataStream | None":
    """The dead letters that leave a function by the tag, where there are any."""
    return scored.get_side_output(tag) if isinstance(on_error, DeadLetter) else None


@contextmanager
def explained(key: str) -> Iterator[None]:
    """Errors that end the job say which key they are of, and are kept for whoever waits for it."""
    with embedded.noted():
        try:
            yield
        except DivergedError as error:
            raise DivergedError(f"key {key!r}: {error}") from error


def key_text(key: Any) -> str:
    """A key as weights and dead letters name it: text as it is, others as Python writes them."""
    return key if isinstance(key, str) else repr(key)
