import pickle
from datetime import date
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
        pytest.param("csv", {}, {"x": "ROW<a INT>"}, "no type that CSV", id="csv-row"),
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
