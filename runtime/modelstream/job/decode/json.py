"""JSON records, with the semantics of Flink's json format."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import isinf
from typing import Any

from modelstream.convert.dtypes import sql_of
from modelstream.convert.flinktypes import FlinkType
from modelstream.errors import ConversionError, OptionError, RecordError
from modelstream.job.decode import options as option
from modelstream.job.decode import scalars
from modelstream.job.decode.batches import completed
from modelstream.job.decode.jsoncolumns import JsonColumn, json_objects
from modelstream.job.decode.scalars import TimestampFormat
from modelstream.models import ColumnType
from modelstream.scoring.records import Decoded

Convert = Callable[[Any], Any]

# Those that say how Flink writes or how fast it reads change nothing here.
_WITHOUT_EFFECT = (
    "map-null-key.mode",
    "map-null-key.literal",
    "encode.decimal-as-plain-number",
    "encode.ignore-null-fields",
    "decode.json-parser.enabled",
)
_KNOWN = ("fail-on-missing-field", "timestamp-format.standard", *_WITHOUT_EFFECT)


class _Number(float):
    """A JSON number with a fraction that remembers how it was spelled."""

    text: str

    def __new__(cls, text: str) -> "_Number":
        value = super().__new__(cls, text)
        value.text = text
        return value


def _refuse(constant: str) -> None:
    raise ConversionError(f"{constant} is not a JSON value")


class _SpellingError(Exception):
    """A column shows how a number was spelled, which the fast parser does not keep."""


_PLAIN = json.JSONDecoder(parse_constant=_refuse, strict=False)
_EXACT = json.JSONDecoder(parse_constant=_refuse, parse_float=_Number, strict=False)


@dataclass(frozen=True)
class JsonDecoder:
    """One JSON object a record; a field that is missing is NULL unless ``fail_on_missing``.

    Stricter than Flink in three things, which would lose data in silence: text after the object
    and an array around objects make a bad record, and an object is not a BOOLEAN.
    """

    columns: tuple[ColumnType, ...]
    fail_on_missing: bool = False
    standard: TimestampFormat = TimestampFormat.SQL

    @classmethod
    def of(cls, columns: tuple[ColumnType, ...], options: Mapping[str, str]) -> "JsonDecoder":
        """With Flink's options, without their ``json.`` prefix.

        Raises:
            OptionError: one of them, or a column's type, cannot be honoured.
        """
        option.check_known("json", options, _KNOWN)
        standard = option.choice("json", options, "timestamp-format.standard", TimestampFormat)
        missing = option.flag("json", options, "fail-on-missing-field", False)
        made = cls(columns, missing, TimestampFormat(standard))
        made._fields()  # now, where the message reaches the one who wrote the manifest
        return made

    def decode(self, payloads: Sequence[bytes | None]) -> list[dict[str, Any] | RecordError]:
        """The columns of each record, or why it has none."""
        fields = self._fields()
        return [self._record(payload, _PLAIN.decode, fields) for payload in payloads]

    def decode_columns(self, payloads: Sequence[bytes | None]) -> Decoded:
        """What ``decode`` gives, as columns."""
        objects = json_objects(payloads)
        sure = [at for at, value in enumerate(objects) if value is not None]
        if len(sure) < len(objects):
            objects = [objects[at] for at in sure]
        unsure: set[int] = set()
        columns = {
            name: column.read([value.get(name) for value in objects], unsure)
            for name, column in self._columns().items()
        }
        return completed(columns, sure, unsure, payloads, self.decode)

    def _columns(self) -> dict[str, JsonColumn]:
        strict = self.fail_on_missing
        return {
            c.name: JsonColumn(
                scalars.field_type(c.type), _converter(c.type, self.standard, strict), strict
            )
            for c in self.columns
        }

    def _fields(self) -> dict[str, Convert]:
        return {
            c.name: _converter(c.type, self.standard, self.fail_on_missing) for c in self.columns
        }

    def _record(
        self,
        payload: bytes | None,
        parse: Callable[[str], Any],
        fields: Mapping[str, Convert],
    ) -> dict[str, Any] | RecordError:
        try:
            if payload is None:
                raise ConversionError("the record has no value")
            value = parse(payload.decode("utf-8-sig"))
            if type(value) is not dict:
                raise ConversionError(f"it is {_kind(value)}, not a JSON object")
            return _object(value, fields, self.fail_on_missing)
        except _SpellingError:
            return self._record(payload, _EXACT.decode, fields)
        except UnicodeDecodeError as error:
            return ConversionError(f"byte {error.start} is not UTF-8 text")
        except json.JSONDecodeError as error:
            return ConversionError(f"it is not JSON: {error}")
        except ValueError:  # of Python, which reads none that is longer
            return ConversionError("it has a number of more than 4,300 digits")
        except RecursionError:
            return ConversionError("its JSON nests too deep")
        except ConversionError as error:
            return error


def _object(
    value: Mapping[str, Any], fields: Mapping[str, Convert], strict: bool
) -> dict[str, Any]:
    record: dict[str, Any] = {}
    for name, convert in fields.items():
        found = value.get(name)
        if found is None:
            if strict and name not in value:
                raise ConversionError(f"field {name!r} is missing")
            record[name] = None
            continue
        try:
            record[name] = convert(found)
        except ConversionError as error:
            raise ConversionError(f"field {name!r}: {error}") from None
    return record


@lru_cache(maxsize=1024)
def _converter(sql_type: str, standard: TimestampFormat, strict: bool) -> Convert:
    return _convert(scalars.field_type(sql_type), standard, strict)


def _convert(kind: FlinkType, standard: TimestampFormat, strict: bool) -> Convert:
    match kind.name:
        case "ARRAY":
            return _array(kind.children[0], standard, strict)
        case "ROW":
            inner = [_convert(child, standard, strict) for child in kind.children]
            fields = dict(zip(kind.fields, inner, strict=True))
            return lambda value: _object(_expect(value, dict, "an object"), fields, strict)
        case "MAP":
            return _map(kind, standard, strict)
        case _:
            return _scalar(kind.name, standard)


def _array(kind: FlinkType, standard: TimestampFormat, strict: bool) -> Convert:
    element = _nullable(_convert(kind, standard, strict))
    as_is = frozenset([float]) if kind.name in ("FLOAT", "DOUBLE") else frozenset()

    def convert(value: Any) -> list[Any]:
        elements: list[Any] = _expect(value, list, "an array")
        if as_is and as_is.issuperset(map(type, elements)):
            return elements
        return [element(each) for each in elements]

    return convert


def _map(kind: FlinkType, standard: TimestampFormat, strict: bool) -> Convert:
    if kind.children[0].name != "STRING":
        raise OptionError("pipeline.source.schema: the keys of a MAP in JSON are STRING")
    value_of = _nullable(_convert(kind.children[1], standard, strict))
    return lambda value: {
        _text(key): value_of(each) for key, each in _expect(value, dict, "an object").items()
    }


def _scalar(kind: str, standard: TimestampFormat) -> Convert:
    from_text = scalars.convert_text(kind, standard)
    if from_text is None:
        meant = sql_of(kind)
        said = f"of Flink SQL: write {meant}" if meant else "that JSON can hold"
        raise OptionError(f"pipeline.source.schema: {kind} is not a type {said}")
    match kind:
        case "STRING":
            return _text
        case "BOOLEAN":
            return lambda value: value if type(value) is bool else from_text(_plain_text(value))
        case "FLOAT" | "DOUBLE":
            return lambda value: _float(value, from_text)
        case "BYTES":  # true and 1234 are Base64 too, and no text
            return lambda value: from_text(_expect(value, str, "a string"))
        case _ if kind in scalars.BITS:
            return lambda value: _integer(value, kind, from_text)
        case _:
            return lambda value: from_text(_plain_text(value))


def _nullable(convert: Convert) -> Convert:
    return lambda value: None if value is None else convert(value)


def _integer(value: Any, kind: str, from_text: Convert) -> int:
    if type(value) is int:
        return scalars.in_range(value, kind)
    if isinstance(value, float) and kind in ("INT", "BIGINT"):  # cut, as Jackson does
        return int(scalars.in_range(value, kind))
    return int(from_text(_plain_text(value)))


def _float(value: Any, from_text: Convert) -> float:
    if type(value) is float or type(value) is int:
        return _finite(value)
    if isinstance(value, float):
        return float(value)
    return float(from_text(_plain_text(value)))


def _finite(value: float) -> float:
    try:
        return float(value)
    except OverflowError:
        raise ConversionError(f"{str(value)[:20]}... does not fit DOUBLE") from None


def _text(value: Any) -> str:
    if type(value) is str:
        return value if value.isascii() else _unicode(value)
    if isinstance(value, list | dict):
        return _unicode(json.dumps(_spelled(value), ensure_ascii=False, separators=(",", ":")))
    return _plain_text(value)


def _spelled(value: Any) -> Any:
    """JSON with text for a number beyond DOUBLE, which JSON has no other way to write."""
    match value:
        case dict():
            return {key: _spelled(each) for key, each in value.items()}
        case list():
            return [_spelled(each) for each in value]
        case float() if isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        case _:
            return value


def _unicode(text: str) -> str:
    """The text with a ``?`` for half of a surrogate pair, as Java writes it; Arrow refuses it."""
    return text.encode(errors="replace").decode()


def _plain_text(value: Any) -> str:
    """A scalar as it was spelled."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | dict):
        raise ConversionError(f"it is {_kind(value)}")
    if type(value) is float:
        raise _SpellingError
    return value.text if isinstance(value, _Number) else str(value)


def _expect(value: Any, kind: type, expected: str) -> Any:
    if not isinstance(value, kind):
        raise ConversionError(f"it is {_kind(value)}, not {expected}")
    return value


def _kind(value: Any) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int() | float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "an array"
        case _:
            return "an object"
