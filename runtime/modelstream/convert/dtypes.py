"""TensorFlow's dtypes: what holds them in numpy, and which Flink SQL type carries them."""

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from modelstream.errors import SignatureMismatchError


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
    "uint64": (Kind.INTEGER, np.uint64, "BIGINT"),
    "bool": (Kind.BOOLEAN, np.bool_, "BOOLEAN"),
    "string": (Kind.STRING, object, "STRING"),
}

DTYPES = {
    name: DType(name, kind, np.dtype(numpy), sql) for name, (kind, numpy, sql) in _DTYPES.items()
}


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
