"""Values of one record into arrays and back, whatever Python type they have."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from modelstream.convert.dtypes import DType
from modelstream.convert.examples import Feature, example, parse_example
from modelstream.convert.numbers import MisfitError, cast
from modelstream.errors import ConversionError
from modelstream.messages import short

T = TypeVar("T")
Array = npt.NDArray[Any]

_to_array: dict[type, Callable[[Any], Any]] = {}
_from_array: dict[type, Callable[[npt.NDArray[Any]], Any]] = {}


def register_type(
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


def unregister_type(python_type: type) -> None:
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


def objects(values: Sequence[Any]) -> npt.NDArray[np.object_]:
    """One element a value; numpy itself would make a matrix of lists."""
    column = np.empty(len(values), object)
    column[:] = values
    return column


def number_record(value: Any, dtype: DType, *, widened: bool = False) -> Array:
    """A number or (nested) lists, rows or arrays of numbers.

    Raises:
        MisfitError: it is null, no number, or does not fit the dtype without loss.
    """
    plain = plain_value(value)
    if dtype.name == "uint64":
        plain = _whole(plain)
    if isinstance(plain, str | bytes | Decimal | Mapping):
        raise MisfitError(_no_number(plain))
    try:
        array = np.asarray(plain)
    except (ValueError, TypeError, OverflowError):
        raise MisfitError(f"its lists differ in length: {short(value)}") from None
    if array.dtype.kind not in "fiub":
        raise MisfitError(_no_number(plain))
    return cast(array if array.size else array.astype(dtype.numpy), dtype, widened=widened)


def _whole(value: Any) -> Any:
    """Whole numbers of DECIMAL, which alone carries each of uint64, as integers."""
    if isinstance(value, list):
        return [_whole(each) for each in value]
    whole = isinstance(value, Decimal) and value.is_finite() and value == value.to_integral_value()
    return int(value) if whole else value


def text_record(value: Any) -> Array:
    """Text, bytes, a row that becomes a tf.train.Example, or (nested) lists of them.

    Raises:
        MisfitError: it is null, or neither text nor bytes.
    """
    leaves: list[bytes] = []
    shape = _gather(plain_value(value), leaves)
    return objects(leaves).reshape(shape)


def plain_value(value: Any) -> Any:
    """What a value is to a tensor: a leaf, an array of numbers, or (nested) lists of leaves.

    Raises:
        MisfitError: it is null, or the converter registered for it fails.
    """
    return _plain(_known(value))


def _known(value: Any) -> Any:
    if value is None:
        raise MisfitError("it is null")
    try:
        return converted(value)
    except Exception as error:
        raise MisfitError(
            f"the converter registered for {type(value).__name__} failed: "
            f"{type(error).__name__}: {error}"
        ) from error


def _plain(value: Any) -> Any:
    """Rows with names as dicts; rows without, tuples and arrays of objects as lists."""
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        return value
    if hasattr(value, "as_dict") and getattr(value, "_fields", None):
        return value.as_dict()
    if hasattr(value, "as_dict") or isinstance(value, list | tuple | np.ndarray):
        return [_plain(each) for each in value]
    return bytes(value) if isinstance(value, bytearray | memoryview) else value


def _gather(value: Any, leaves: list[bytes]) -> tuple[int, ...]:
    """Append the strings in order; returns the shape of the nested lists."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, list):
        leaves.append(_encoded(value))
        return ()
    shapes = {_gather(each, leaves) for each in value}
    if len(shapes) > 1:
        raise MisfitError(f"its lists differ in length: {short(value)}")
    return (len(value), *(shapes.pop() if shapes else ()))


def _encoded(value: Any) -> bytes:
    match value:
        case bytes():
            return value
        case str():
            try:
                return value.encode()
            except UnicodeEncodeError as error:
                raise MisfitError(f"it is not Unicode text: {error}") from None
        case Mapping():
            try:
                return example(**value)
            except ConversionError as error:
                raise MisfitError(str(error)) from None
        case None:
            raise MisfitError("it has a null")
        case _:
            raise MisfitError(f"{short(value)} is neither text nor bytes")


def _no_number(value: Any) -> str:
    if isinstance(value, list) and _has_null(value):
        return f"it has a null: {short(value)}"
    if isinstance(value, int):
        return f"{short(value)} is beyond 64 bits"
    hint = "; make a double of it" if isinstance(value, Decimal) else ""
    return f"{type(value).__name__} {short(value)} is not a number{hint}"


def _has_null(value: Any) -> bool:
    return value is None or (isinstance(value, list) and any(map(_has_null, value)))


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
        f"ms.register_type({python_type.__name__}, from_array=...) teaches it; known "
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
