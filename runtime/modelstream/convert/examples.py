"""tf.train.Example, what Estimator exports are served with: built and parsed without TensorFlow."""

from collections.abc import Iterable, Mapping, Set
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from modelstream.annotations import checked
from modelstream.convert.dtypes import DTYPES
from modelstream.convert.numbers import MisfitError, cast
from modelstream.convert.protos import message
from modelstream.errors import ConversionError

Feature = list[float] | list[int] | list[bytes]


def example(**features: Any) -> bytes:
    """A serialized tf.train.Example: ``example(x=1.5, ids=[1, 2], name="a")``.

    Floats become a float_list, integers and booleans an int64_list, text and bytes a bytes_list;
    a list, an array or a TensorValue of them, of one dimension, is one feature. None leaves the
    feature out.

    Raises:
        ConversionError: a value is of another kind or does not fit, or a list mixes kinds.
    """
    proto = message("Example")()
    for name, value in features.items():
        if value is not None:
            _fill(proto.features.feature[name], name, value)
    serialized: bytes = proto.SerializeToString(deterministic=True)
    return serialized


@checked()
def parse_example(serialized: bytes) -> dict[str, Feature]:
    """The features of a serialized tf.train.Example, each as a list.

    Raises:
        ConversionError: the bytes are not an Example.
    """
    proto = message("Example")()
    try:
        proto.ParseFromString(serialized)
    except DecodeError as error:
        raise ConversionError(f"{len(serialized)} bytes are not a tf.train.Example") from error
    features = sorted(proto.features.feature.items())
    return {
        name: list(getattr(feature, kind).value)
        for name, feature in features
        if (kind := feature.WhichOneof("kind"))
    }


def _values(value: Any) -> list[Any]:
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Iterable) and not isinstance(value, _ONE):
        return [each.item() if hasattr(each, "item") else each for each in value]
    return [value]


def _fill(feature: Any, name: str, value: Any) -> None:
    values = _values(value)
    types = set(map(type, values)) or {_TYPES.get(_kind(value), bytes)}
    try:
        if types <= {str, bytes, bytearray}:
            encoded = (each.encode() if isinstance(each, str) else bytes(each) for each in values)
            feature.bytes_list.SetInParent()
            feature.bytes_list.value.extend(encoded)
        elif types <= {int, bool}:
            feature.int64_list.SetInParent()
            feature.int64_list.value.extend(map(int, values))
        elif types <= {float, int}:
            feature.float_list.SetInParent()
            feature.float_list.value.extend(_floats(values))
        else:
            raise MisfitError
    except (MisfitError, TypeError, ValueError, OverflowError):
        raise ConversionError(
            f"feature {name!r} of a tf.train.Example takes 32-bit floats, 64-bit integers or "
            f"text/bytes, not {values!r:.60}"
        ) from None


def _floats(values: list[float]) -> list[float]:
    """Rounded as in a tensor, and never beyond the range."""
    floats: list[float] = cast(np.array(values, np.float64), DTYPES["float32"]).tolist()
    return floats


def _kind(value: Any) -> str:
    """Of an array without elements, what it would hold."""
    array = value.numpy() if hasattr(value, "numpy") else value
    return str(getattr(getattr(array, "dtype", None), "kind", ""))


# Of a dict or a set one cannot say which elements are meant, and in which order.
_ONE = (str, bytes, bytearray, Mapping, Set)
# What the elements of an empty array would be; an empty list holds no bytes.
_TYPES = {"f": float, "i": int, "u": int, "b": int}
