import pickle
from datetime import date, time
from typing import Any

import pytest

from modelstream.errors import OptionError, RecordError
from modelstream.job import decode
from modelstream_crds.v1alpha1 import Column


def made(name: str = "json", options: dict[str, str] | None = None, **types: str) -> Any:
    columns = [Column(name=column, type=kind) for column, kind in types.items()]
    return pickle.loads(pickle.dumps(decode.decoder(name, columns, options or {})))


def test_a_bad_record_says_where_and_why_and_the_others_decode() -> None:
    good, bad = made(x="FLOAT").decode([b'{"x": 1}', b'{"x": "abc"}'])
    assert good == {"x": 1.0}
    assert isinstance(bad, RecordError)
    assert str(bad) == "field 'x': 'abc' is not a number"


def test_a_missing_field_is_null_or_fails_as_the_option_says() -> None:
    assert made(x="INT").decode([b"{}"]) == [{"x": None}]
    (strict,) = made(options={"json.fail-on-missing-field": "true"}, x="INT").decode([b"{}"])
    assert "field 'x' is missing" in str(strict)


@pytest.mark.parametrize("kind", ["TIMESTAMP_LTZ(3)", "TIMESTAMP(0) WITH LOCAL TIME ZONE"])
def test_timestamps_that_come_back_whole_can_be_kept(kind: str) -> None:
    decode.check_kept(made(x=kind), ["x"])


SENTINELS = ["9999-12-31 23:59:59.999999999", "0001-01-01 00:00:00", "1677-01-01 00:00:00.5"]


@pytest.mark.parametrize("text", [*SENTINELS, "2024-02-29 12:00:00."])
@pytest.mark.parametrize("kind", ["TIMESTAMP(7)", "TIMESTAMP(8) NOT NULL", "TIMESTAMP ( 9 )"])
def test_timestamps_finer_than_microseconds_leave_as_text_with_all_their_digits(
    kind: str, text: str
) -> None:
    decoder = made(at=kind)
    assert [column.type for column in decoder.columns] == ["STRING"]
    decode.check_kept(decoder, ["at"])
    assert decoder.decode([b'{"at": "%s"}' % text.encode()]) == [{"at": text.rstrip(".")}]
    (bad,) = decoder.decode([b'{"at": "2024-02-30 00:00:00"}'])
    assert isinstance(bad, RecordError)
    iso = made(options={"json.timestamp-format.standard": "ISO-8601"}, at=kind)
    assert iso.decode([b'{"at": "2024-02-29T12:00:00.1"}']) == [{"at": "2024-02-29 12:00:00.1"}]


def test_timestamps_with_a_zone_leave_as_milliseconds() -> None:
    decoder = made(at="TIMESTAMP_LTZ(3)", day="DATE")
    assert [column.type for column in decoder.columns] == ["BIGINT", "DATE"]
    (record,) = decoder.decode([b'{"at": "1970-01-01 00:00:01.5Z", "day": "1970-01-02"}'])
    assert record == {"at": 1500, "day": date(1970, 1, 2)}


def test_csv_takes_its_own_delimiter_and_null() -> None:
    options = {"csv.field-delimiter": ";", "csv.null-literal": "-"}
    assert made("csv", options, a="INT", b="STRING").decode([b"1;-"]) == [{"a": 1, "b": None}]


@pytest.mark.parametrize(
    ("null", "field", "read"),
    [
        (None, "", []),
        (None, " ", []),
        ("n", "n", [None]),
        ("n", "1;n;2", [1, None, 2]),
        ("0", "1;0", [1, None]),
        ("", "", []),
        ("", "1;;2", [1, None, 2]),
        ("", ";", [None, None]),
    ],
)
def test_the_null_of_csv_is_an_element_of_an_array_and_blanks_are_an_empty_one(
    null: str | None, field: str, read: list[int | None]
) -> None:
    options = {} if null is None else {"csv.null-literal": null}
    for kind in ("ARRAY<INT>", "ARRAY<DOUBLE>"):
        decoder = made("csv", options, x=kind, i="INT")
        payloads = [f"{field},7".encode()] * 2
        assert decoder.decode(payloads) == [{"x": read, "i": 7}] * 2
        found = decoder.decode_columns(payloads)
        assert [list(each) for each in found.columns["x"]] == [read] * 2


@pytest.mark.parametrize("field", ["7", '"7"'])
def test_the_mark_at_the_beginning_of_a_csv_record_is_no_part_of_it(field: str) -> None:
    payloads = [f"\ufeff{field}".encode()] * 2
    for kind, read in (("INT", 7), ("STRING", "7")):
        decoder = made("csv", x=kind)
        assert decoder.decode(payloads) == [{"x": read}] * 2
        assert decoder.decode_columns(payloads).columns == {"x": [read] * 2}


def test_a_time_of_csv_may_go_without_seconds_and_one_of_json_not() -> None:
    assert made("csv", t="TIME").decode([b"12:30", b"12:30:00."]) == [{"t": time(12, 30)}] * 2
    good, bad = made(t="TIME").decode([b'{"t": "12:30:00."}', b'{"t": "12:30"}'])
    assert good == {"t": time(12, 30)}
    assert isinstance(bad, RecordError)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        *(("DATE", text) for text in ("2024-02-30", "2023-02-29", "2024-04-31", "2024-13-01")),
        *(("DATE", text) for text in ("2024-00-01", "2024-01-00", "0000-01-01", "2024-2-9")),
        *(("TIME", text) for text in ("24:00:00", "12:60:00", "12:30:60", "25:00:00", "1:30:00")),
        *((kind, "2024-02-30 12:00:00") for kind in ("TIMESTAMP(3)", "TIMESTAMP(9)")),
        *((kind, "2024-02-29 24:00:00") for kind in ("TIMESTAMP(3)", "TIMESTAMP(9)")),
        *(("TIMESTAMP_LTZ(3)", f"2024-02-{end}Z") for end in ("30 12:00:00", "29 24:00:00")),
    ],
)
@pytest.mark.parametrize("format_name", ["json", "csv"])
def test_a_day_or_an_hour_that_does_not_exist_is_a_bad_record(
    format_name: str, kind: str, text: str
) -> None:
    payload = f'{{"at": "{text}"}}' if format_name == "json" else text
    decoder = made(format_name, at=kind)
    (bad,) = decoder.decode([payload.encode()])
    assert isinstance(bad, RecordError)
    assert text.rstrip("Z") in str(bad)
    assert decoder.decode_columns([payload.encode()] * 2).failures.keys() == {0, 1}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (r'{"a": "\ud800"}', '{"a":"?"}'),
        (r'[{"\ud800": "é"}]', '[{"?":"é"}]'),
        ('{"a": [1e400, -1e400, 1.10]}', '{"a":["Infinity","-Infinity",1.1]}'),
    ],
)
def test_json_that_a_text_column_holds_is_text_that_everybody_can_write(
    value: str, text: str
) -> None:
    assert made(s="STRING").decode([f'{{"s": {value}}}'.encode()]) == [{"s": text}]


def test_raw_gives_the_bytes_or_the_text() -> None:
    assert made("raw", payload="BYTES").decode([b"\xff"]) == [{"payload": b"\xff"}]
    (bad,) = made("raw", text="STRING").decode([b"\xff"])
    assert isinstance(bad, RecordError)


@pytest.mark.parametrize(
    ("name", "options", "types", "message"),
    [
        pytest.param("json", {"json.odd": "1"}, {"x": "INT"}, "json.odd cannot", id="unknown"),
        pytest.param(
            "json",
            {"json.ignore-parse-errors": "true"},
            {"x": "INT"},
            "what inference.onError is to decide",
            id="ignore",
        ),
        pytest.param(
            "json",
            {"json.timestamp-format.standard": "RFC"},
            {"x": "INT"},
            "one of SQL, ISO-8601",
            id="standard",
        ),
        pytest.param("csv", {}, {"x": "ROW<a INT>"}, "not a type that CSV", id="csv-row"),
        pytest.param(
            "json", {}, {"x": "int64"}, "INT64 is not a type .*: write BIGINT", id="dtype"
        ),
        pytest.param(
            "csv", {}, {"x": "int64"}, "INT64 is not a type .*: write BIGINT", id="csv-dtype"
        ),
        pytest.param(
            "csv",
            {"csv.array-element-delimiter": ""},
            {"x": "ARRAY<INT>"},
            "csv.array-element-delimiter is empty",
            id="csv-elements",
        ),
        pytest.param("raw", {}, {"a": "INT"}, "BYTES or STRING", id="raw-type"),
        pytest.param("avro", {}, {"a": "INT"}, "decoded by Flink", id="avro"),
    ],
)
def test_what_cannot_be_honoured_is_refused_by_name(
    name: str, options: dict[str, str], types: dict[str, str], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        made(name, options, **types)


@pytest.mark.parametrize(
    "kind",
    [
        *("ROW<a INT>", "ARRAY<ROW<a INT>>", "ARRAY<TIMESTAMP_LTZ(3)>", "ARRAY<TIMESTAMP(9)>"),
        *("TIMESTAMP_LTZ", "TIMESTAMP_LTZ(6)", "TIMESTAMP(9) WITH LOCAL TIME ZONE"),
        *("TIMESTAMP WITH LOCAL TIME ZONE", "MAP<STRING, TIMESTAMP(7)>"),
    ],
)
def test_keeping_what_pyflink_cannot_return_is_refused(kind: str) -> None:
    decoder = made(x=kind)
    decode.check_kept(decoder, [])
    with pytest.raises(OptionError, match="leave it out of keep"):
        decode.check_kept(decoder, ["x"])
