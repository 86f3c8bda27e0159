"""A record as the payload of its dead letter: a JSON object, whatever is in the record.

A bad record is why there is a dead letter, so nothing here may fail on one. What JSON does not have
is written as Flink's JSON_OBJECT does it: bytes as base64, NaN and infinity as text.
"""

import base64
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from modelstream.convert.fields import VALUE, named
from modelstream.convert.flinktypes import ColumnType
from modelstream.failure import Failure
from modelstream.messages import text
from modelstream.models import Model

_DEEPEST = 64
_DOUBLE_BITS = 1024  # whole numbers beyond a double's range are text


@dataclass(frozen=True)
class FailedBy:
    """The model that a record failed by; its fields are columns of DEAD_LETTER_COLUMNS.

    Attributes:
        model: its name, or those of the models around which a function of the user raised.
        model_digest: the digest of its files; None where it is not known, and for several models.
    """

    model: str
    model_digest: str | None = None

    @classmethod
    def of(cls, model: Model, name: str | None = None) -> "FailedBy":
        """A model, and the name that it has here where that is not its own."""
        digest = getattr(model, "digest", None)
        return cls(name or model.name, digest if isinstance(digest, str) else None)

    def told(self, failure: Failure) -> str:
        """With all fields of a failure, for the column that takes them out of a function of SQL."""
        return json.dumps(asdict(failure) | vars(self))


@dataclass(frozen=True)
class Letter:
    """The dead letter of one record; its fields are the columns of DEAD_LETTER_COLUMNS.

    Attributes:
        key: what identifies the record, where it has a key.
        payload: the record: its raw bytes, or its fields as a JSON object in UTF-8.
        stage: where it failed.
        error_type: the class of the error.
        message: what the error says.
        model: the model that it failed by, or those around which a function of the user raised.
        time: when, in milliseconds since 1970.
        model_digest: the digest of the model's files; None where it is not known.
        source: ``TOPIC/PARTITION@OFFSET`` of a record of Kafka, ``FILE:LINE`` of one of a file.
        text: the payload, where it is UTF-8.
    """

    key: bytes | None
    payload: bytes
    stage: str
    error_type: str
    message: str
    model: str
    time: int
    model_digest: str | None = None
    source: str | None = None
    text: str | None = None

    @classmethod
    def of(
        cls,
        record: Any,
        failure: Failure,
        by: FailedBy,
        key: Any = None,
    ) -> "Letter":
        """The letter of a record. Whatever is in the record, it is made."""
        content = payload(record)
        return cls(
            key=key_bytes(key),
            payload=content,
            stage=str(failure.stage),
            error_type=failure.error_type,
            message=failure.message,
            time=failure.time,
            text=content.decode(),
            **vars(by),
        )


DEAD_LETTER_COLUMNS: tuple[ColumnType, ...] = (
    ColumnType("key", "BYTES"),
    ColumnType("payload", "BYTES"),
    ColumnType("stage", "STRING"),
    ColumnType("error_type", "STRING"),
    ColumnType("message", "STRING"),
    ColumnType("model", "STRING"),
    ColumnType("time", "TIMESTAMP_LTZ(3)"),
    ColumnType("model_digest", "STRING"),
    ColumnType("source", "STRING"),
    ColumnType("text", "STRING"),
)
"""Key of the record where it has one; the record itself (its raw bytes, or its columns as a JSON
object in UTF-8); where, why and by which model it failed (or around which models, where a function
of the user raised), and when; the digest of the model's files, the place of the record in its
source, and the record as text: NULL where they are not known."""


def payload(record: Any) -> bytes:
    """The fields of a record by name; the only one of a plain value is ``f0``."""
    return json.dumps(as_json(record)).encode()


def as_json(record: Any) -> dict[str, Any]:
    """The same, of what JSON has."""
    try:
        fields = record if isinstance(record, Mapping) else named(record)
        written = _written(fields, ())
    except Exception:  # whatever a class of the user raises
        written = {VALUE: text(record)}
    return written if isinstance(written, dict) else {VALUE: written}


def key_bytes(key: Any) -> bytes | None:
    """The key of a dead letter: bytes as they are, all else as text."""
    if key is None:
        return None
    return bytes(key) if isinstance(key, bytes | bytearray) else text(key).encode()


def _written(value: Any, around: tuple[int, ...]) -> Any:
    """A value as JSON has it; ``around`` are the ids of the values that hold it."""
    try:
        match value:
            case None | bool() | str():
                return value
            case int():
                return value if value.bit_length() <= _DOUBLE_BITS else text(value)
            case float():
                return value if math.isfinite(value) else _not_finite(value)
            case bytes() | bytearray() | memoryview():
                return _base64(value)
            case _ if id(value) in around or len(around) >= _DEEPEST:
                return text(value)
            case _:
                return _composed(value, (*around, id(value)))
    except Exception:  # whatever a class of the user raises
        return text(value)


def _composed(value: Any, around: tuple[int, ...]) -> Any:
    if hasattr(value, "get_row_kind"):
        value = named(value)
    if isinstance(value, Mapping):
        return {_name(name): _written(each, around) for name, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_written(each, around) for each in value]
    return _written(value.tolist(), around) if hasattr(value, "tolist") else text(value)


def _name(key: Any) -> str:
    return _base64(key) if isinstance(key, bytes | bytearray) else text(key)


def _base64(data: bytes | bytearray | memoryview) -> str:
    return base64.b64encode(data).decode()


def _not_finite(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"
