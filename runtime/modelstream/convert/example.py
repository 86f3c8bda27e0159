"""tf.train.Example, what Estimator exports are served with: built and parsed without TensorFlow."""

from collections.abc import Iterable
from typing import Any

from google.protobuf.message import DecodeError

from modelstream.convert.protos import message
from modelstream.errors import ConversionError

Feature = list[float] | list[int] | list[bytes]


def example(**features: Any) -> bytes:
    """A serialized tf.train.Example: ``example(x=1.5, ids=[1, 2], name="a")``.

    Floats become a float_list, integers and booleans an int64_list, text and bytes a bytes_list;
    a list or an array of them is one feature. None leaves the feature out.

    Raises:
        ConversionError: a value is none of these, or a list mixes them.
    """
    proto = message("Example")()
    for name, value in features.items():
        if value is not None:
            _fill(proto.features.feature[name], name, _values(value))
    serialized: bytes = proto.SerializeToString(deterministic=True)
    return serialized


def parse_example(serialized: bytes) -> dict[str, Feature]:
    """The features of a serialized tf.train.Example, each as a list.

    Raises:
        ConversionError: the bytes are no Example.
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
    if isinstance(value, Iterable) and not isinstance(value, str | bytes | bytearray):
        return list(value)
    return [value]


def _fill(feature: Any, name: str, values: list[Any]) -> None:
    types = set(map(type, values))
    try:
        if types <= {str, bytes, bytearray}:
            feature.bytes_list.value.extend(
                each.encode() if isinstance(each, str) else bytes(each) for each in values
            )
        elif types <= {int, bool}:
            feature.int64_list.value.extend(map(int, values))
        elif types <= {float, int}:
            feature.float_list.value.extend(map(float, values))
        else:
            raise TypeError
    except (TypeError, ValueError, OverflowError):
        raise ConversionError(
            f"feature {name!r} of a tf.train.Example takes floats, 64-bit integers or "
            f"text/bytes, not {values!r:.60}"
        ) from None
