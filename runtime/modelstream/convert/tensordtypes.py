"""Every dtype of TensorFlow that has values, and the numpy dtype that holds them."""

from functools import cache
from typing import Any

import numpy as np

from modelstream.convert.protos import DATA_TYPES
from modelstream.errors import ConversionError

_NUMPY = (
    *("float16", "float32", "float64", "int8", "int16", "int32", "int64"),
    *("uint8", "uint16", "uint32", "uint64", "bool", "complex64", "complex128"),
)
# numpy has no such numbers: ml_dtypes, which comes with TensorFlow, adds them in 8 ms.
ML_DTYPES = ("bfloat16", "float8_e5m2", "float8_e4m3fn", "int4", "uint4")
_QUANTIZED = {
    "qint8": "int8",
    "quint8": "uint8",
    "qint16": "int16",
    "quint16": "uint16",
    "qint32": "int32",
}
_ALIASES = {"half": "float16", "float": "float32", "double": "float64"}

TENSOR_DTYPES = (*_NUMPY, *ML_DTYPES, *_QUANTIZED, "string")
"""As TensorFlow spells them. A quantized one holds its codes; resource and variant have no values
outside of TensorFlow."""

NUMBERS = {name: number for number, name in DATA_TYPES.items() if name in TENSOR_DTYPES}
"""Dtype → its number in TensorFlow's enum DataType."""


def known(name: str) -> str:
    """The dtype as TensorFlow spells it: float16 for half.

    Raises:
        ConversionError: there is none of that name that has values.
    """
    name = _ALIASES.get(name, name)
    if name not in TENSOR_DTYPES:
        raise ConversionError(
            f"a tensor of dtype {name} has no values outside of TensorFlow; "
            f"those that have: {', '.join(TENSOR_DTYPES)}"
        )
    return name


@cache
def holder(name: str) -> "np.dtype[Any]":
    """The numpy dtype that holds values of a dtype; object (of bytes) for string."""
    if name == "string":
        return np.dtype(object)
    if name in ML_DTYPES:
        import ml_dtypes

        return np.dtype(getattr(ml_dtypes, name))
    return np.dtype(_QUANTIZED.get(name, name))


def name_of(dtype: "np.dtype[Any]") -> str:
    """TensorFlow's name of a numpy dtype.

    Raises:
        ConversionError: TensorFlow has nothing like it (dates, structures).
    """
    if dtype.kind in "OSU":
        return "string"
    if dtype.name in _NUMPY or dtype.name in ML_DTYPES:
        return dtype.name
    raise ConversionError(
        f"numpy's {dtype.name} is no dtype of TensorFlow; those are {', '.join(TENSOR_DTYPES)}"
    )
