"""Tensors into Python values: what `to_tensor` made of values, made values again."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from modelstream.convert.examples import Feature, parse_example
from modelstream.convert.records import maker
from modelstream.errors import ConversionError

Array = npt.NDArray[Any]
T = TypeVar("T")
_KINDS: Mapping[type, str] = {int: "iu", float: "f", bool: "b"}


def to_values(array: Array, python_type: type[T]) -> list[T]:
    """One batch of an output as Python values, one a record: the inverse of `to_tensor`.

    Args:
        array: first dimension is the batch; strings are an object array of bytes.
        python_type: what each record becomes. ``int``, ``float``, ``bool``, ``str`` or ``bytes``
            for records of one element; ``list`` (nested, strings as bytes), ``tuple`` or
            ``np.ndarray`` for any; ``dict`` for serialized tf.train.Examples; TensorValue; or a
            type with a ``from_array`` in the registry.

    Raises:
        ConversionError: a record does not fit the type, ``index`` says which; or nothing is known
            that makes the type.
    """
    convert = _converter(python_type)
    return [_one(index, record, convert, python_type) for index, record in enumerate(array)]


def _converter(python_type: type[T]) -> Callable[[Array], Any]:
    if (registered := maker(python_type)) is not None:
        return registered
    if python_type in _MAKERS:
        return _MAKERS[python_type]
    raise ConversionError(
        f"nothing is known that makes {python_type.__name__} of a tensor: "
        f"modelstream.convert.register({python_type.__name__}, from_array=...) teaches it; known "
        f"are {', '.join(known.__name__ for known in _MAKERS)} and TensorValue"
    )


def _one(index: int, record: Any, convert: Callable[[Array], Any], python_type: type[T]) -> T:
    array = record if isinstance(record, np.ndarray) else _scalar(record)
    try:
        value: T = convert(array)
    except Exception as error:  # a converter of the user may raise anything
        raise ConversionError(
            f"record {index} makes no {python_type.__name__}: {error}", index
        ) from error
    return value


def _scalar(record: Any) -> Array:
    if isinstance(record, np.generic):
        return np.asarray(record)
    array = np.empty((), object)  # text stays what it is
    array[()] = record
    return array


def _single(array: Array) -> Any:
    if array.size != 1:
        raise ConversionError(f"it has the shape {list(array.shape)}, not one element")
    return array.reshape(-1).tolist()[0]


def _number(kinds: str) -> Callable[[Array], Any]:
    def number(array: Array) -> Any:
        value = _single(array)
        if array.dtype.kind not in kinds and array.dtype.name != "bfloat16":
            raise ConversionError(f"{value!r:.60} of dtype {array.dtype.name} would change")
        return value

    return number


def _bytes(array: Array) -> bytes:
    value = _single(array)
    if isinstance(value, str):
        return value.encode()
    if not isinstance(value, bytes):
        raise ConversionError(f"{value!r:.60} is neither text nor bytes")
    return value


def _str(array: Array) -> str:
    return _bytes(array).decode()


def _tuple(array: Array) -> tuple[Any, ...]:
    return _frozen(array.tolist()) if array.ndim else (array.item(),)


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def _list(array: Array) -> Sequence[Any]:
    listed: list[Any] = array.tolist() if array.ndim else [array.item()]
    return listed


def _dict(array: Array) -> dict[str, Feature]:
    return parse_example(_bytes(array))


def _array(array: Array) -> Array:
    return array


_MAKERS: Mapping[type, Callable[[Array], Any]] = {
    **{python_type: _number(kinds) for python_type, kinds in _KINDS.items()},
    str: _str,
    bytes: _bytes,
    list: _list,
    tuple: _tuple,
    dict: _dict,
    np.ndarray: _array,
}
