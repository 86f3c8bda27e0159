"""TensorFlow's dtypes: what holds them in numpy, and which Flink SQL type carries them."""

from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

import numpy as np

from modelstream.convert.protos import DATA_TYPES
from modelstream.errors import ConversionError, SignatureMismatchError


class Kind(Enum):
    """What values a dtype has."""

    FLOAT = "float"
    INTEGER = "integer"
    BOOLEAN = "boolean"
    STRING = "string"


@dataclass(frozen=True)
class DType:
    """One dtype of TensorFlow.

    Attributes:
        name: as TensorFlow spells it.
        kind: what values it has.
        numpy: what holds it until the model is called. bfloat16 travels as float32.
        sql: the smallest Flink SQL type that carries every value of it.
    """

    name: str
    kind: Kind
    numpy: "np.dtype[Any]"
    sql: str

    def __str__(self) -> str:
        return self.name


_DTYPES: dict[str, tuple[Kind, Any, str]] = {
    "float16": (Kind.FLOAT, np.float16, "FLOAT"),
    "bfloat16": (Kind.FLOAT, np.float32, "FLOAT"),
    "float32": (Kind.FLOAT, np.float32, "FLOAT"),
    "float64": (Kind.FLOAT, np.float64, "DOUBLE"),
    "int8": (Kind.INTEGER, np.int8, "TINYINT"),
    "int16": (Kind.INTEGER, np.int16, "SMALLINT"),
    "int32": (Kind.INTEGER, np.int32, "INT"),
    "int64": (Kind.INTEGER, np.int64, "BIGINT"),
    "uint8": (Kind.INTEGER, np.uint8, "SMALLINT"),
    "uint16": (Kind.INTEGER, np.uint16, "INT"),
    "uint32": (Kind.INTEGER, np.uint32, "BIGINT"),
    "uint64": (Kind.INTEGER, np.uint64, "DECIMAL(20, 0)"),
    "bool": (Kind.BOOLEAN, np.bool_, "BOOLEAN"),
    "string": (Kind.STRING, object, "STRING"),
}

DTYPES = {
    name: DType(name, kind, np.dtype(numpy), sql) for name, (kind, numpy, sql) in _DTYPES.items()
}


_ELSEWHERE = {"text": "STRING", "str": "STRING", "long": "BIGINT", "real": "FLOAT"}


def sql_of(word: str) -> str | None:
    """The Flink SQL type that is meant by a dtype, or by a type of another language."""
    dtype = DTYPES.get(word.lower())
    meant = dtype.sql if dtype else _ELSEWHERE.get(word.lower())
    return None if meant == word.upper() else meant


def dtype_of(name: str) -> DType:
    """The dtype of that name.

    Raises:
        SignatureMismatchError: no column can carry it (complex, quantized, resource, variant).
    """
    try:
        return DTYPES[name]
    except KeyError:
        raise SignatureMismatchError(
            f"a tensor of dtype {name} cannot come from or go to a column of a stream; "
            f"those that can: {', '.join(DTYPES)}"
        ) from None


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
        ConversionError: no dtype with values has that name.
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
        f"numpy's {dtype.name} is not a dtype of TensorFlow; those are {', '.join(TENSOR_DTYPES)}"
    )
