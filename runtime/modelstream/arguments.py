"""How long something lasts, as Flink counts it: in milliseconds."""

from datetime import timedelta

from modelstream.errors import OptionError

MILLISECOND = timedelta(milliseconds=1)


def check_duration(option: str, given: object, otherwise: str = "") -> None:
    """Refuse what is no time, or less than Flink counts.

    Args:
        option: what it was given as.
        given: a timedelta, if all is well.
        otherwise: what the option takes besides, for the message.

    Raises:
        OptionError: it is no timedelta, or less than a millisecond.
    """
    if not isinstance(given, timedelta):
        instead = f"timedelta(seconds={given})" if type(given) in {int, float} else "a timedelta"
        raise OptionError(
            f"{option} is {given!r}, which is no time: write {instead} (from datetime){otherwise}"
        )
    if given < MILLISECOND:
        raise OptionError(f"{option} is {given}; it takes 1 ms or more{otherwise}")
