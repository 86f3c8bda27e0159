"""Converters for Python types that the library does not know."""

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

_converters: dict[type, Callable[[Any], Any]] = {}


def register(python_type: type[T], to_array: Callable[[T], Any]) -> None:
    """Teach every model to take values of a type.

    Args:
        python_type: the type; subclasses are taken too.
        to_array: turns one value into what tensors take already: a number, bytes, a string, a
            list or a numpy array. An exception of it becomes a ConversionError of that record.

    On a cluster the workers must run this call too: put it at the top of the module that defines
    the job's functions.
    """
    _converters[python_type] = to_array


def unregister(python_type: type) -> None:
    """Forget the converter of a type."""
    _converters.pop(python_type, None)


def converted(value: Any) -> Any:
    """The value as its converter gives it; the value itself when its type has none."""
    if _converters:
        for base in type(value).__mro__:
            if base in _converters:
                return _converters[base](value)
    return value
