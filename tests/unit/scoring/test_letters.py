"""Dead letters: whatever a record holds, its letter is made, and its payload is JSON."""

import base64
import json
from collections import namedtuple
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.jvm import import_noisy

import modelstream as ms
from modelstream.failure import Failure, Stage
from modelstream.scoring.letter import DEAD_LETTER_COLUMNS, FailedBy, Letter, key_bytes, payload

FAILURE = Failure(Stage.ENCODE, "ConversionError", "no")
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters()),
    st.binary(),
    st.decimals(),
    st.datetimes(),
    st.complex_numbers(),
    st.sampled_from([object(), np.float32("nan"), np.bytes_(b"\xff"), Ellipsis]),
)
KEYS = st.one_of(st.text(st.characters()), st.integers(), st.none(), st.tuples(st.floats()))
RECORDS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.tuples(inner, inner),
        st.dictionaries(KEYS, inner, max_size=3),
        st.lists(inner, max_size=3).map(lambda values: rowed(values)),
        st.lists(inner, max_size=2).map(lambda values: np.array([*values, None], object)[:-1]),
    ),
)


class Unspeakable:
    def __str__(self) -> str:
        raise RuntimeError("no words")

    __repr__ = __str__


def rowed(values: list[Any]) -> Any:
    from pyflink.common import Row

    return Row(*values)


@pytest.fixture(autouse=True, scope="module")
def _flink() -> None:
    import_noisy()


def strict(data: bytes) -> Any:
    """Parsed as any parser of JSON does it, not only Python's."""

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not a JSON")

    return json.loads(data.decode("ascii"), parse_constant=refuse)


@given(RECORDS)
def test_every_record_has_a_letter_whose_payload_is_a_json_object(record: Any) -> None:
    made = Letter.of(record, FAILURE, FailedBy("m"), key=record)
    assert isinstance(strict(made.payload), dict)
    assert made.text is not None
    assert made.text.encode() == made.payload


Point = namedtuple("Point", "x y")  # what users write


@pytest.mark.parametrize(
    ("value", "written"),
    [
        pytest.param(float("nan"), "NaN", id="nan"),
        pytest.param([np.inf, np.float32("-inf")], ["Infinity", "-Infinity"], id="infinite"),
        pytest.param(np.array([[1.5, np.nan]]), [[1.5, "NaN"]], id="array"),
        pytest.param(ms.TensorValue([b"\xff"]), ["/w=="], id="tensor"),
        pytest.param(
            {(1, 2): 3, None: 4, b"\xff": 5}, {"(1, 2)": 3, "None": 4, "/w==": 5}, id="keys"
        ),
        pytest.param(bytearray(b"\xff\x01"), "/wE=", id="bytes"),
        pytest.param(memoryview(b"\xff\x01"), "/wE=", id="view"),
        pytest.param({"a": b"\x00"}, {"a": "AA=="}, id="nested bytes"),
        pytest.param((1, (2.5, None)), [1, [2.5, None]], id="tuple"),
        pytest.param({1}, [1], id="set"),
        pytest.param(Decimal("1.10"), "1.10", id="decimal"),
        pytest.param(2**2000, str(2**2000), id="large number"),
        pytest.param(10**5000, "<int>", id="number that cannot be written"),
        pytest.param(date(2024, 1, 2), "2024-01-02", id="date"),
        pytest.param("\ud800", "\ud800", id="half a character"),
        pytest.param(Unspeakable(), "<Unspeakable>", id="object that cannot be written"),
    ],
)
def test_each_kind_of_value_has_its_place_in_json(value: Any, written: Any) -> None:
    assert strict(payload({"x": value, "id": 1})) == {"x": written, "id": 1}


def test_fields_have_the_names_that_flink_gives_them() -> None:
    from pyflink.common import Row

    assert strict(payload(Row(1, Row(b"\xff")))) == {"f0": 1, "f1": {"f0": "/w=="}}
    assert strict(payload(Row(a=1, b=Row(c=float("nan"))))) == {"a": 1, "b": {"c": "NaN"}}
    assert strict(payload(Point(1, 2))) == {"x": 1, "y": 2}
    assert strict(payload(b"\xff")) == {"f0": base64.b64encode(b"\xff").decode()}
    assert strict(payload(Unspeakable())) == {"f0": "<Unspeakable>"}


def test_what_has_no_end_is_cut_off() -> None:
    endless: list[Any] = [1]
    endless += [endless, endless]
    assert strict(payload({"x": endless}))["x"] == [1, "[1, [...], [...]]", "[1, [...], [...]]"]
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    assert b"<list>" in payload({"x": deep})


@pytest.mark.parametrize(
    ("key", "written"),
    [
        (None, None),
        ("k", b"k"),
        (b"\xff", b"\xff"),
        (7, b"7"),
        ("\ud800", b"\\ud800"),
        (Unspeakable(), b"<Unspeakable>"),
    ],
)
def test_a_key_is_bytes(key: Any, written: bytes | None) -> None:
    assert key_bytes(key) == written


def test_a_message_is_text_that_every_sink_takes() -> None:
    class Speechless(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no words")

    assert Failure.of(Stage.FUNCTION, ValueError("half: \ud800")).message == "half: \\ud800"
    assert Failure.of(Stage.FUNCTION, Speechless()).message == "<Speechless>"


def test_a_letter_has_the_columns_that_are_documented() -> None:
    from modelstream.flink.letters import as_row

    letter = Letter.of({"x": 1}, FAILURE, FailedBy("m", "sha256:1"), "k")
    assert [field.name for field in fields(Letter)] == [c.name for c in DEAD_LETTER_COLUMNS]
    assert as_row(letter)._fields == [c.name for c in DEAD_LETTER_COLUMNS]
    assert (letter.model_digest, letter.source, letter.text) == ("sha256:1", None, '{"x": 1}')


def test_a_stream_without_dead_letters_is_told_where_they_come_from() -> None:
    with pytest.raises(ms.errors.OptionError, match="make it with on_error=DeadLetter"):
        ms.dead_letters(object())  # type: ignore[arg-type]  # as what comes of mapped.map(f)
