"""Our decoders against Flink's own, record by record."""

import json
from collections.abc import Iterator
from datetime import date, datetime
from functools import cache
from math import isfinite
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.oracle import FAILED, FlinkCsvFiles, FlinkDecoder

from modelstream.errors import ConversionError, RecordError
from modelstream.job.decode import CsvDecoder, JsonDecoder
from modelstream.job.decode.csvtext import Dialect
from modelstream.models import ColumnType

pytestmark = pytest.mark.flink

JSON = {
    "id": "BIGINT",
    "i": "INT",
    "t": "TINYINT",
    "b": "BOOLEAN",
    "f": "DOUBLE",
    "s": "STRING",
    "by": "BYTES",
    "d": "DECIMAL(6, 2)",
    "dt": "DATE",
    "tm": "TIME",
    "ts": "TIMESTAMP(3)",
    "lz": "TIMESTAMP(3) WITH LOCAL TIME ZONE",
    "x": "ARRAY<FLOAT>",
    "r": "ROW<a INT, b STRING>",
    "m": "MAP<STRING, INT>",
}
CSV = {"i": "INT", "s": "STRING", "x": "ARRAY<INT>", "b": "BOOLEAN", "f": "DOUBLE"}

# Where ours is stricter, because data would be lost in silence (see JsonDecoder).
STRICTER = [b'{"id": 1} {"id": 2}', b'[{"id": 1}, {"id": 2}]', b'{"b": {}}']

RECORDS = [
    *(b"", b" ", b"null", b"1", b"[]", b"{}", b"\xff", b'{"id":}', b"{'id': 1}", b'{"id": 1,}'),
    *(b'{"id": "7"}', b'{"id": 1.7}', b'{"id": "1.7"}', b'{"id": NaN}', b'{"id": 1e99}'),
    *(b'{"id": " 5 "}', b'{"id": ""}', b'{"id": 01}', b'{"id": {}}', b'{"id": null}'),
    *(b'{"id": 99999999999999999999}', b'{"id": -9223372036854775808}', b'{"id": 1, "id": 2}'),
    *(b'{"i": 2147483648}', b'{"i": 2147483647.9}', b'{"i": -2147483648.5}', b'{"t": 300}'),
    *(b'{"t": "12"}', b'{"t": 1.5}', b'{"t": true}', b'{"b": "TRUE"}', b'{"b": 1}'),
    *(b'{"s": 1.50}', b'{"s": {"a": 1}}', b'{"s": true}', b'{"s": "a\nb"}', b'{"s": "\\ud800"}'),
    *(b'{"f": "NaN"}', b'{"f": "1e3"}', b'{"f": 1e400}', b'{"f": true}', b'{"f": "1_0"}'),
    *(b'{"d": "1.005"}', b'{"d": 1.005}', b'{"d": 123456789}', b'{"d": "x"}'),
    *(b'{"by": "aGk="}', b'{"by": "**"}', b'{"by": 1}', b'{"dt": "2024-02-30"}', b'{"dt": 5}'),
    *(b'{"dt": "2024-02-29"}', b'{"tm": "12:30"}', b'{"tm": "12:30:01.123"}', b'{"tm": "1"}'),
    *(b'{"ts": "2024-02-29 12:30:01.5"}', b'{"ts": "2024-02-29T12:30:01"}', b'{"ts": 1}'),
    *(b'{"ts": "2024-02-29 12:30"}', b'{"lz": "2024-02-29 12:30:01Z"}'),
    *(b'{"lz": "2024-02-29 12:30:01"}', b'{"x": [1, "2", null]}', b'{"x": 1}', b'{"x": {}}'),
    *(b'{"r": {"a": 1, "b": "x", "c": 3}}', b'{"r": {}}', b'{"r": [1]}', b'{"m": {"k": 1}}'),
    *(b'{"m": [1]}', b'{"m": {"k": null}}', b"\xef\xbb\xbf{}", b'{"tm": "12:30:01."}'),
    *(b'{"by": true}', b'{"by": 1234}', b'{"by": 1e10}'),  # as text they would be Base64
]
LINES = [
    *(b"1,a,1;2,true,1.5", b"1,a,1;2,true", b"1,a,1,true,1,9", b"1,a,1,true,1,", b",a,1,true,1"),
    *(b'1,"a,b",1,true,1', b'1,"a""b",1,true,1', b'1,"a,1,true,1', b'1,a"b,1,true,1'),
    *(b"1, a ,1,true,1", b" 1 ,a,1,true,1", b"x,a,1,true,1", b"1,a,,true,1", b"1,a,1;;2,true,1"),
    *(b"1,a,1,yes,1", b"", b'1,"a\nb",1,true,1', b'1,"a"b,1,true,1', b"1,,1,true,1"),
    *(b"\xef\xbb\xbf1,a,1,true,1", b'\xef\xbb\xbf"1",a,1,true,1', b"1,a, ,true,1"),
]


def outcome(decoder: Any, payload: bytes) -> dict[str, bool] | str:
    """Which fields are NULL, or FAILED."""
    (record,) = decoder.decode([payload])
    if isinstance(record, RecordError):
        return FAILED
    return {name: value is None for name, value in record.items()}


def flinks(oracle: FlinkDecoder, columns: dict[str, str], payload: bytes) -> dict[str, bool] | str:
    fields = oracle.fields(payload)
    if isinstance(fields, str):
        return FAILED
    return {name: field is None for name, field in zip(columns, fields, strict=True)}


def fields_of(columns: dict[str, str]) -> tuple[ColumnType, ...]:
    return tuple(ColumnType(name, kind) for name, kind in columns.items())


@pytest.fixture(scope="module")
def json_oracle(jvm: None) -> Iterator[FlinkDecoder]:
    return FlinkDecoder("json", JSON, {})


@pytest.fixture(scope="module")
def csv_oracle(jvm: None) -> Iterator[FlinkDecoder]:
    return FlinkDecoder("csv", CSV, {})


OURS = JsonDecoder.of(fields_of(JSON), {})


def test_json_records_decode_or_fail_as_with_flink(json_oracle: FlinkDecoder) -> None:
    for payload in RECORDS:
        assert outcome(OURS, payload) == flinks(json_oracle, JSON, payload), payload


def test_csv_records_decode_or_fail_as_with_flink(csv_oracle: FlinkDecoder) -> None:
    ours = CsvDecoder.of(fields_of(CSV), {})
    for payload in LINES:
        assert outcome(ours, payload) == flinks(csv_oracle, CSV, payload), payload


@pytest.mark.parametrize("payload", STRICTER)
def test_what_flink_would_lose_in_silence_is_a_bad_record(
    payload: bytes, json_oracle: FlinkDecoder
) -> None:
    assert outcome(OURS, payload) == FAILED


LEAP = "2024-02-29"
TIMES = {
    "DATE": [LEAP, "9999-12-31", "0001-01-01", "2024-13-01", f"{LEAP}T00:00:00", "x"],
    "TIME": ["12:30", "12:30:01", "12:30:01.5", "1:30:00", "12:60:00", "12:30:01Z", "x"],
    "TIMESTAMP(3)": [
        *(f"{LEAP} 12:30:01", f"{LEAP} 12:30:01.5", f"{LEAP} 12:30:01.", f"{LEAP} 12:30", LEAP),
        *(f"{LEAP}T12:30:01", f"{LEAP} 12:30:01Z", "2024-13-01 00:00:00", f"{LEAP} 12:60:00", "x"),
    ],
    "TIMESTAMP(3) WITH LOCAL TIME ZONE": [
        f"{LEAP} 12:30:01Z",
        f"{LEAP} 12:30:01",
        f"{LEAP} 12:30Z",
    ],
}
# What does not exist: text → what Flink makes of it, by format and type.
NEVER = [
    ("csv", "DATE", "2024-02-30", str((date(2024, 3, 1) - date(1970, 1, 1)).days)),
    ("json", "TIME", "24:00:00", "0"),
    *(
        (name, kind, f"2024-02-{text}", f"2024-{found}")
        for name in ("csv", "json")
        for kind in ("TIMESTAMP(3)", "TIMESTAMP(9)")
        for text, found in (("30 12:30:01", "02-29T12:30:01"), ("29 24:00:00", "03-01T00:00"))
    ),
]


def one_field(name: str, kind: str, text: str) -> tuple[Any, str | None]:
    """What a decoder of ours, and Flink's own, make of a field."""
    payload = (json.dumps({"at": text}) if name == "json" else text).encode()
    made = {"json": JsonDecoder, "csv": CsvDecoder}[name].of(fields_of({"at": kind}), {})
    (ours,), theirs = made.decode([payload]), flinks_field(name, kind).fields(payload)
    return (
        FAILED if isinstance(ours, RecordError) else ours["at"],
        theirs if isinstance(theirs, str) else theirs[0],
    )


@cache
def flinks_field(name: str, kind: str) -> FlinkDecoder:
    return FlinkDecoder(name, {"at": kind}, {})


@pytest.mark.parametrize("kind", TIMES)
@pytest.mark.parametrize("name", ["json", "csv"])
def test_times_are_read_or_refused_as_by_flink(jvm: None, name: str, kind: str) -> None:
    found = {text: one_field(name, kind, text) for text in TIMES[kind]}
    assert {t: ours == FAILED for t, (ours, _) in found.items()} == {
        t: theirs == FAILED for t, (_, theirs) in found.items()
    }
    if kind == "TIMESTAMP(3)":
        read = {t: each for t, each in found.items() if FAILED not in each}
        assert {t: ours for t, (ours, _) in read.items()} == {
            t: datetime.fromisoformat(str(theirs)) for t, (_, theirs) in read.items()
        }


@pytest.mark.parametrize(("name", "kind", "text", "made"), NEVER)
def test_what_does_not_exist_is_another_time_to_flink_and_refused_here(
    jvm: None, name: str, kind: str, text: str, made: str
) -> None:
    assert one_field(name, kind, text) == (FAILED, made)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner),
    max_leaves=4,
)
NAMES = st.sampled_from([name for name in JSON if name not in ("b", "s")])


@settings(max_examples=200, suppress_health_check=list(HealthCheck))
@given(record=st.dictionaries(NAMES, VALUES, max_size=3))
def test_any_json_object_decodes_or_fails_as_with_flink(
    json_oracle: FlinkDecoder, record: dict[str, Any]
) -> None:
    payload = json.dumps(record).encode()
    assert outcome(OURS, payload) == flinks(json_oracle, JSON, payload)


@settings(max_examples=100, suppress_health_check=list(HealthCheck))
@given(
    number=st.integers(-(2**63), 2**63 - 1),
    text=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    value=st.floats(allow_nan=False),
)
def test_values_are_those_that_flink_reads(
    json_oracle: FlinkDecoder, number: int, text: str, value: float
) -> None:
    spelled = value if isfinite(value) else str(value).replace("inf", "Infinity")
    payload = json.dumps({"id": number, "s": text, "f": spelled})
    (ours,) = OURS.decode([payload.encode()])
    theirs = dict(zip(JSON, json_oracle.fields(payload.encode()), strict=True))
    assert isinstance(ours, dict)
    assert str(ours["id"]) == theirs["id"]
    assert ours["s"] == theirs["s"]
    assert ours["f"] == float(str(theirs["f"]).replace("Infinity", "inf"))


DIALECTS = [
    Dialect(),
    Dialect(comments=True),
    Dialect(escape="\\"),
    Dialect(escape="\\", comments=True),
    Dialect(";", "'"),
    Dialect("\t"),
    Dialect(quote=None),
    Dialect("§"),
]
WIDE = 12  # more columns than any record of a test has fields: Flink refuses what has more


def csv_rows(dialect: Dialect, content: bytes, chunk: int) -> list[list[str] | str]:
    """What Flink's reader of files tells, by our own: nothing behind a bad record."""
    text = content.decode()
    rows: list[list[str] | str] = []
    for record in dialect.records(text[at : at + chunk] for at in range(0, len(text), chunk)):
        try:
            rows.append(dialect.fields(record))
        except ConversionError:
            return [*rows, FAILED]
    return rows


@cache
def flinks_files(dialect: Dialect) -> FlinkCsvFiles:
    written = (dialect.delimiter, dialect.quote, dialect.escape, dialect.comments)
    return FlinkCsvFiles(WIDE, *written)


@pytest.mark.parametrize("dialect", DIALECTS, ids=str)
@settings(max_examples=60, suppress_health_check=list(HealthCheck), deadline=None)
@given(data=st.data())
def test_files_are_cut_into_the_records_and_fields_that_flink_reads(
    jvm: None, dialect: Dialect, data: st.DataObject
) -> None:
    special = {dialect.delimiter, dialect.quote or '"', dialect.escape or "a", "'"}
    letters = st.sampled_from([*special, "\n", "\r", "\r\n", " ", "\t", "#", "n", "ü", '"'])
    parts = data.draw(st.lists(letters, max_size=20))
    content = "".join(parts).encode()
    theirs = flinks_files(dialect).rows(content)
    theirs = [row if row == FAILED else without_last_comma(row) for row in theirs]
    ours = csv_rows(dialect, content, data.draw(st.integers(1, 30)))
    assert [row if row == FAILED else without_last_comma(row) for row in ours] == theirs


def without_last_comma(row: list[str] | str) -> list[str]:
    """A comma at the end makes no field for Flink, which knows how many there are."""
    assert isinstance(row, list)
    return row[:-1] if len(row) > 1 and not row[-1] else row
