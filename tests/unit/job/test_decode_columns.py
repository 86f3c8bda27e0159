"""Batches read at once, held against the same records read one by one."""

import json
import pickle
from collections.abc import Sequence
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from modelstream.job import decode
from modelstream.scoring import records
from modelstream.scoring.records import Decoded, decode_columns
from modelstream_crds.v1alpha1 import Column

SCALARS = {
    "t": "TINYINT",
    "sm": "SMALLINT",
    "i": "INT",
    "id": "BIGINT",
    "f": "FLOAT",
    "d": "DOUBLE",
    "b": "BOOLEAN",
    "s": "STRING",
    "by": "BYTES",
    "de": "DECIMAL(6, 2)",
    "dt": "DATE",
    "tm": "TIME",
    "ts": "TIMESTAMP(3)",
    "fine": "TIMESTAMP(9)",
    "lz": "TIMESTAMP(3) WITH LOCAL TIME ZONE",
}
ARRAYS = {f"a{name}": f"ARRAY<{kind}>" for name, kind in SCALARS.items() if name != "fine"}
NESTED = {
    "aa": "ARRAY<ARRAY<DOUBLE>>",
    "r": "ROW<a INT, b STRING, c ARRAY<FLOAT>>",
    "m": "MAP<STRING, INT>",
    "ms": "MAP<STRING, STRING>",
    "ar": "ARRAY<ROW<a DOUBLE, b STRING>>",
}
JSON = {**SCALARS, **ARRAYS, **NESTED}


def made(name: str, types: dict[str, str], options: dict[str, str] | None = None) -> Any:
    columns = [Column(name=column, type=kind) for column, kind in types.items()]
    return pickle.loads(pickle.dumps(decode.decoder(name, columns, options or {})))


def shown(found: Decoded) -> tuple[dict[str, str], dict[int, str]]:
    """All there is to see: types, signs of zeros, and what is wrong with which record."""
    columns = {
        name: repr(values.tolist() if isinstance(values, np.ndarray) else values)
        for name, values in found.columns.items()
    }
    return columns, {at: repr(error) for at, error in found.failures.items()}


def check(decoder: Any, payloads: Sequence[bytes | None]) -> None:
    one_by_one = Decoded.of([column.name for column in decoder.columns], decoder.decode(payloads))
    for at_once in (1, 3, 512):
        with patch.object(records, "_AT_ONCE", at_once):
            assert shown(decode_columns(decoder, payloads)) == shown(one_by_one)


DECODERS = {
    "each type": made("json", JSON),
    "missing fields fail": made(
        "json",
        {"id": "BIGINT", "s": "STRING", "ax": "ARRAY<FLOAT>"},
        {"json.fail-on-missing-field": "true"},
    ),
    "scalars": made("json", SCALARS),
}

DEEP = 1020
NUMBERS = [
    *("0", "-0", "-0.0", "1", "1.0", "1e2", "-1.5E-3", "1e400", "-1e400", "1e-400", "01", "+1"),
    *("127", "128", "-129", "32768", "2147483647", "2147483648", "9223372036854775807"),
    *("9223372036854775808", "-9223372036854775808", "-9223372036854775809"),
    *("18446744073709551615", "18446744073709551616", "99999999999999999999", "9" * 400),
    *("9" * 5000, "NaN", "Infinity", "-Infinity", "0.1", "123456789.123456789", "1.", ".5", "-"),
    *("16777217", "9007199254740993", "3.4028235677973366e38", "5e-324", "2.2250738585072011e-308"),
]
TEXTS = [
    *(
        '""',
        '"7"',
        '" 7 "',
        '"1.5"',
        '"NaN"',
        '"true"',
        '"TRUE"',
        '"aGk="',
        '"a\\u0000b"',
        '"\x00"',
    ),
    *('"\\ud800"', '"\\ud83d\\ude00"', '"\\ud83dx"', '"é"', '"a\nb"', '"\\x"', '"\\/"', '"\x7f"'),
    *('"2024-02-29"', '"12:30:01.5"', '"2024-02-29 12:30:01.5"', '"2024-02-29 12:30:01.5Z"'),
    *('"2024-02-29T12:30:01.123456789"', '"9999-12-31 23:59:59.999999999"', '"2024-02-30"'),
]
OTHERS = [
    *("null", "true", "false", "[]", "{}", "[1.5, 2.5]", "[1.5]", "[1, 2.5]", "[true, 1.5]"),
    *("[null, 1.5]", '["1", 2]', "[[1.5], [2.5]]", "[[1.5], []]", "[[1.5, 2.5], [3.5, -0.0]]"),
    *('{"a": 1, "b": "x", "c": [1.5]}', '{"a": 1.5}', '{"k": 1}', '{"k": null}', '{"k": 1.5}'),
    *('{"a": {"n": 99999999999999999999}}', '[{"a": 1.5, "b": {"x": 1e2}}]', '{"b": [1.0]}'),
    *("[99999999999999999999]", '{"b": [99999999999999999999]}', "[" * DEEP + "]" * DEEP),
]
TOKENS = [*NUMBERS, *TEXTS, *OTHERS]


def line(fields: Sequence[tuple[str, str]]) -> bytes:
    written = ", ".join(f"{json.dumps(name)}: {token}" for name, token in fields)
    return f"{{{written}}}".encode()


@pytest.mark.parametrize("name", JSON)
def test_every_value_in_every_column_is_read_as_it_is_one_by_one(name: str) -> None:
    decoder = made("json", {name: JSON[name]})
    payloads = [line([(name, token)]) for token in TOKENS]
    check(decoder, payloads)
    for payload in payloads:  # alone, many take another way
        check(decoder, [payload])


LINES = st.lists(
    st.tuples(st.sampled_from([*JSON, "ID", "other"]), st.sampled_from(TOKENS)), max_size=4
).map(line)
PLAIN = st.fixed_dictionaries(
    {
        "id": st.integers(-(2**63), 2**63 - 1),
        "s": st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
        "d": st.floats(allow_nan=False, allow_infinity=False),
        "af": st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, max_size=2),
    }
).map(lambda record: json.dumps(record).encode())


@st.composite
def mutated(draw: st.DrawFn, lines: st.SearchStrategy[bytes]) -> bytes | None:
    """A line, often with something cut out, put in or replaced."""
    found = draw(lines)
    for _ in range(draw(st.sampled_from([0, 0, 0, 1, 2]))):
        at = draw(st.integers(0, len(found)))
        end = at + draw(st.integers(0, 2))
        found = found[:at] + draw(st.sampled_from(PIECES)) + found[end:]
    return draw(st.sampled_from([found] * 19 + [None]))


PIECES = [
    *(b"", b" ", b"\n", b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xed\xa0\x80", b'"', b",", b":", b"0"),
    *(
        b"-",
        b".",
        b"e",
        b"{",
        b"}",
        b"[",
        b"]",
        b"null",
        b"NaN",
        b"\\",
        b"\\ud800",
        b"9" * 20,
        b";",
    ),
]


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(payloads=st.lists(mutated(LINES | PLAIN), max_size=6), name=st.sampled_from([*DECODERS]))
@example([b'{"id": 1} {"id": 2}', b'{"id": 1}, {"id": 2}', b'{"id": 1', b'"x": 2}'], "scalars")
@example([b'{"id": 1, "id": 2.5}', b'\xef\xbb\xbf{"id": 3}', b'{"ID": 4}', None, b""], "scalars")
def test_any_lines_are_read_as_they_are_one_by_one(payloads: list[bytes | None], name: str) -> None:
    check(DECODERS[name], payloads)


def test_lists_of_floats_of_one_length_come_as_one_array() -> None:
    found = decode_columns(made("json", {"x": "ARRAY<FLOAT>"}), [b'{"x": [1.5, 2.5]}'] * 2)
    assert isinstance(found.columns["x"], np.ndarray)
    assert found.columns["x"].shape == (2, 2)


def test_a_bad_record_leaves_the_others_read_at_once() -> None:
    payloads = [b'{"x": [1.5, 2.5]}', b"{", b'{"x": [3.5, 4.5]}']
    found = decode_columns(made("json", {"x": "ARRAY<DOUBLE>"}), payloads)
    assert isinstance(found.columns["x"], np.ndarray)
    assert found.columns["x"].tolist() == [[1.5, 2.5], [3.5, 4.5]]
    assert list(found.failures) == [1]


CSV = {**SCALARS, **ARRAYS}
OPTIONS = [
    {},
    {"csv.null-literal": "n", "csv.field-delimiter": ";", "csv.array-element-delimiter": ","},
    {"csv.disable-quote-character": "true", "csv.escape-character": "/"},
    {"csv.allow-comments": "true", "csv.quote-character": "'"},
    *({"csv.null-literal": ""}, {"csv.null-literal": "7"}),
]
FIELDS = [
    *(
        "",
        " ",
        "n",
        "7",
        " 7 ",
        "+7",
        "-0",
        "007",
        "1_0",
        "--1",
        "1-",
        "٣",
        "1.5f",
        "1e3",
        ".5",
        "5.",
    ),
    *("nan", "NaN", "Infinity", "inf", "1e400", "1.5d", "1.5", "-1.5E-3", "e", "+", "é", "# c"),
    *("127", "128", "9223372036854775807", "9223372036854775808", "9" * 5000, "true", "TRUE"),
    *("1;2", "1,2", "1.5;2.5", "1.5;;2.5", "1.5;", ";", "1.5;n", "x\ty", "\x00", "a/,b", "'a'"),
    *('"7"', '"a,b"', '"a""b"', '"a', 'a"b', '"a"b', "aGk=", "12:30:01.5", "2024-02-29"),
    *("2024-02-29 12:30:01.5", "2024-02-29 12:30:01.5Z", "2024-02-30", "1.5\n2.5", "7\r"),
    *("\ufeff7", '\ufeff"7"', "\ufeff", "1.5;7", "12:30", "12:30:01."),
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_field_of_every_kind_is_read_as_it_is_one_by_one(options: dict[str, str]) -> None:
    payloads = [field.encode() for field in FIELDS]
    for name, kind in CSV.items():
        decoder = made("csv", {name: kind}, options)
        check(decoder, payloads)
        for payload in payloads:
            check(decoder, [payload])


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), options=st.sampled_from(OPTIONS))
def test_any_csv_is_read_as_it_is_one_by_one(data: st.DataObject, options: dict[str, str]) -> None:
    kinds = data.draw(st.lists(st.sampled_from([*CSV]), min_size=1, max_size=3, unique=True))
    delimiter = options.get("csv.field-delimiter", ",")
    fields = st.lists(st.sampled_from(FIELDS), min_size=len(kinds), max_size=len(kinds) + 1)
    lines = mutated(fields.map(lambda found: delimiter.join(found).encode()))
    payloads = data.draw(st.lists(lines, max_size=6))
    check(made("csv", {name: CSV[name] for name in kinds}, options), payloads)


def test_csv_lists_of_floats_of_one_length_come_as_one_array() -> None:
    found = decode_columns(made("csv", {"x": "ARRAY<FLOAT>", "i": "INT"}), [b"1.5;2,7"] * 2)
    assert isinstance(found.columns["x"], np.ndarray)
    assert found.columns["x"].tolist() == [[1.5, 2.0], [1.5, 2.0]]
    assert found.columns["i"] == [7, 7]
