"""Converters for Python types that the library does not know, to tensors and back."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy.typing as npt

T = TypeVar("T")

_to_array: dict[type, Callable[[Any], Any]] = {}
_from_array: dict[type, Callable[[npt.NDArray[Any]], Any]] = {}


def register(
    python_type: type[T],
    to_array: Callable[[T], Any] | None = None,
    from_array: Callable[[npt.NDArray[Any]], T] | None = None,
) -> None:
    """Teach every model to take values of a type, `from_tensor` and `to_values` to give them.

    Args:
        python_type: the type; subclasses are taken too.
        to_array: turns one value into what tensors take already: a number, bytes, a string, a
            list or a numpy array. An exception of it becomes a ConversionError of that record.
        from_array: turns one record of an output, an array without the batch, into a value.
            An exception of it becomes a ConversionError of that record too.

    On a cluster the workers must run this call too: put it at the top of the module that defines
    the job's functions.
    """
    if to_array is not None:
        _to_array[python_type] = to_array
    if from_array is not None:
        _from_array[python_type] = from_array


def unregister(python_type: type) -> None:
    """Forget the converters of a type."""
    _to_array.pop(python_type, None)
    _from_array.pop(python_type, None)


def converted(value: Any) -> Any:
    """The value as its converter gives it; the value itself when its type has none."""
    for base in type(value).__mro__:
        if base in _to_array:
            return _to_array[base](value)
    return value


def maker(python_type: type[T]) -> Callable[[npt.NDArray[Any]], T] | None:
    """What makes a value of the type from one record's array; None when the type has none."""
    return _from_array.get(python_type)
