"""What callers give, checked before it is used: models, durations, what becomes of bad records."""

import inspect
import os
from collections.abc import Iterable
from datetime import timedelta

from modelstream.errors import OptionError
from modelstream.failure import DeadLetter, Drop, Fail, OnError
from modelstream.messages import excerpt

MILLISECOND = timedelta(milliseconds=1)


def check_duration(option: str, given: object, otherwise: str = "") -> None:
    """Check that a duration is a timedelta of at least what Flink counts.

    Args:
        option: what it was given as.
        given: a timedelta, if all is well.
        otherwise: what the option takes besides, for the message.

    Raises:
        OptionError: it is not a timedelta, or less than a millisecond.
    """
    if not isinstance(given, timedelta):
        instead = f"timedelta(seconds={given})" if type(given) in {int, float} else "a timedelta"
        raise OptionError(
            f"{option} must be a timedelta, got {given!r}: write {instead} (from datetime)"
            f"{otherwise}"
        )
    if given < MILLISECOND:
        raise OptionError(f"{option} is {given}; it takes 1 ms or more{otherwise}")


def check_model(given: object, taker: str, several: str = "give it one of them") -> None:
    """Check that something is a model before it is used as one.

    Args:
        given: where a model belongs.
        taker: what it was given to.
        several: what to write for a collection of models.

    Raises:
        OptionError: it is not a model; says what to write instead.
    """
    if isinstance(given, type) or not all(_has(given, name) for name in _ASKED_FOR):
        raise OptionError(
            f"{taker} takes a model, got {excerpt(given)} ({type(given).__name__}): "
            f"{_instead(given, several)}"
        )


_ASKED_FOR = ("name", "signatures", "open")


def _has(given: object, name: str) -> bool:
    # The class first: a property of the instance may have to read the model.
    return hasattr(type(given), name) or hasattr(given, name)


def _instead(given: object, several: str) -> str:
    match given:
        case str() | os.PathLike():
            return f"give SavedModel({os.fspath(given)!r}), or a KerasModel or GraphDefModel of it"
        case type():
            return f"make one of the class, {given.__name__}(…)"
        case Iterable():
            return several
        case _ if inspect.isroutine(given):
            return "make one of the function, CallableModel(function, inputs=…, outputs=…)"
        case _:
            return (
                "give a SavedModel, KerasModel, GraphDefModel or CallableModel, or what has the "
                "properties and methods of modelstream.models.Model"
            )


def check_on_error(given: OnError) -> None:
    """Check that ``on_error`` is Fail(), Drop() or DeadLetter().

    Anything else would silently act as Drop.

    Raises:
        OptionError: it is a name, or a class without its parentheses, or something else.
    """
    if not isinstance(given, Fail | Drop | DeadLetter):
        raise OptionError(f"on_error is {given!r}; it takes Fail(), Drop() or DeadLetter()")
