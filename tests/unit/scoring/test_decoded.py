"""Raw records and nulls, before the model sees a batch."""

import gc
import json
from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd
import pytest

from modelstream.convert import ColumnType
from modelstream.errors import ConversionError, RecordError
from modelstream.failure import Stage
from modelstream.scoring.records import Decoded, decoded
from modelstream.scoring.rows import Given


class Json:
    columns = (ColumnType("x", "FLOAT"), ColumnType("id", "BIGINT"))

    def decode(self, payloads: Sequence[bytes | None]):
        return [self._one(payload) for payload in payloads]

    def _one(self, payload: bytes | None):
        try:
            return json.loads(payload or b"")
        except ValueError as error:
            return RecordError(str(error))


def test_a_raw_record_that_is_none_fails_and_the_others_go_on() -> None:
    payloads = pd.Series([b'{"x": 1, "id": 7}', b"{", b'{"x": 3, "id": 9}', None])
    batch = decoded(Json(), ["id"], payloads)
    assert batch.rows.columns["x"] == [1, 3]
    assert {at: failure.stage for at, failure in batch.failures.items()} == {
        1: Stage.FORMAT,
        3: Stage.FORMAT,
    }
    assert list(batch.kept["id"]) == [7, None, 9, None]
    assert list(batch.spread([10, 30])) == [10, None, 30, None]


class AtOnce(Json):
    def decode_columns(self, payloads: Sequence[bytes | None]) -> Decoded:
        bad = {at: RecordError("no") for at, each in enumerate(payloads) if each is None}
        return Decoded({"x": np.ones((len(payloads) - len(bad), 2)), "id": []}, bad)


def test_lists_that_are_one_array_stay_one_while_no_record_fails() -> None:
    whole = decoded(AtOnce(), ["x"], pd.Series([b"", b""]))
    assert whole.kept["x"] is whole.rows.columns["x"]
    batch = decoded(AtOnce(), ["x"], pd.Series([b"", None, b""]))
    assert batch.rows.columns["x"].shape == (2, 2)
    assert batch.rows.positions.tolist() == [0, 2]
    assert list(batch.kept["x"]) == [[1.0, 1.0], None, [1.0, 1.0]]


def test_records_keep_their_places_in_the_batch() -> None:
    batch = decoded(Json(), [], pd.Series([b"{", b'{"x": 1, "id": 7}', b"[", b'{"x": 2, "id": 8}']))
    assert batch.rows.positions.tolist() == [1, 3]
    assert batch.rows.span(1, 2).positions.tolist() == [3]


def test_a_null_in_a_column_fails_its_record_only() -> None:
    flags = pd.Series([False, True, False])
    batch = Given.without_nulls({"x": pd.Series([1, 0, 3])}, {"x": flags}, ConversionError)
    assert list(batch.rows.columns["x"]) == [1, 3]
    assert batch.rows.positions.tolist() == [0, 2]
    assert batch.failures[1].error_type == ConversionError.__name__


def test_a_batch_without_nulls_goes_on_as_it_is() -> None:
    series = pd.Series([1, 2])
    batch = Given.without_nulls({"x": series}, {"x": pd.Series([False, False])}, ConversionError)
    assert batch.rows.columns["x"] is series
    assert batch.failures == {}


class Heaped(Json):
    """Makes as many containers as make the collector begin, many times over."""

    def decode(self, payloads: Sequence[bytes | None]):
        return [{"x": [[] for _ in range(10 * gc.get_threshold()[0])], "id": 1} for _ in payloads]


class Broken(Json):
    def decode(self, payloads: Sequence[bytes | None]):
        raise MemoryError


@pytest.fixture
def collections() -> Iterator[list[str]]:
    """What the collector said since the test began."""
    said: list[str] = []

    def hear(phase: str, _about: dict[str, int]) -> None:
        said.append(phase)

    was_on = gc.isenabled()
    gc.enable()
    gc.collect()
    gc.callbacks.append(hear)
    yield said
    gc.callbacks.remove(hear)
    (gc.enable if was_on else gc.disable)()


def test_nothing_is_collected_while_a_batch_is_decoded(collections: list[str]) -> None:
    Heaped().decode([b""])
    assert collections, "too few containers to tell anything"
    collections.clear()
    decoded(Heaped(), [], pd.Series([b"", b""]))
    assert collections.count("start") <= 1  # when it is over
    assert gc.isenabled()


def test_the_collector_is_back_after_a_decoder_that_raises(collections: list[str]) -> None:
    with pytest.raises(MemoryError):
        decoded(Broken(), [], pd.Series([b""]))
    assert gc.isenabled()


def test_a_collector_that_the_program_switched_off_stays_off(collections: list[str]) -> None:
    gc.disable()
    decoded(Json(), [], pd.Series([b"{"]))
    assert not gc.isenabled()
