"""Streams by key, the one value that Flink keeps for a key, and how long it does."""

from datetime import timedelta
from typing import Any

from modelstream.arguments import MILLISECOND, check_duration
from modelstream.errors import OptionError

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
    """Refuse what Flink does.

    Raises:
        OptionError: it is no timedelta, or less than a millisecond.
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
