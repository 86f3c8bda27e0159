import pickle

import numpy as np
import pytest

from modelstream.convert import codec
from modelstream.errors import StateError
from modelstream.online.examples import Example
from modelstream.online.memory import Fingerprint, Memory, Weights

FINGERPRINT = Fingerprint(2, names=-5, optimizer=7)


def memory() -> Memory:
    weights = Weights([np.arange(4, dtype=np.float32), np.int64(3).reshape(()), np.ones((2, 2))])
    pending = [
        Example({"x": np.float32([1, 2]), "word": b"a"}, {"y": np.float32(1)}),
        Example(
            {"x": np.float32([3, 4]), "word": b"bc\0"},
            {"y": np.float32(0)},
            {"id": "k", "x": [3, 4], "why": None},
        ),
    ]
    return Memory(weights, FINGERPRINT, pending, updates=7, records=56, refused=1)


def test_flink_pickles_plain_bytes_without_a_class_of_this_library() -> None:
    data = pickle.dumps(memory())
    assert b"modelstream" not in data
    assert pickle.loads(data) == memory().to_bytes()


def test_all_of_it_comes_back() -> None:
    back = Memory.from_bytes(memory().to_bytes())
    assert back.to_bytes() == memory().to_bytes()
    assert (back.fingerprint, back.updates, back.records, back.refused) == (FINGERPRINT, 7, 56, 1)
    first, second = back.pending
    assert (first.waiting, second.waiting) == (None, {"id": "k", "x": [3, 4], "why": None})
    assert first.inputs["x"].tolist() == [1, 2]
    assert second.inputs["word"] == b"bc\0"
    assert second.labels["y"] == 0


def test_without_pending_records_it_is_the_weights_and_100_bytes() -> None:
    known = memory()
    known.pending.clear()
    size = sum(array.nbytes for array in known.weights.arrays)
    assert len(known.to_bytes()) - size < 150
    assert Memory.from_bytes(known.to_bytes()).pending == []


def test_what_is_published_are_the_variables_alone() -> None:
    published = memory().published()
    assert [array.tolist() for array in codec.decode(published)] == [[0, 1, 2, 3], 3]
    back = Memory.from_published(published, updates=7)
    assert (back.fingerprint, back.updates) == (Fingerprint(2, names=-5, optimizer=None), 7)


@pytest.mark.parametrize("counters", [8, 9])
def test_arrays_that_are_no_memory_are_refused(counters: int) -> None:
    with pytest.raises(StateError, match="2 arrays"):
        Memory.from_bytes(codec.encode([np.zeros(counters, np.int64), np.ones(1), np.ones(1)]))


def test_weights_in_a_seat_are_read_when_they_are_asked_for() -> None:
    class Seat:
        reads = 0

        def read(self) -> list[np.ndarray]:
            self.reads += 1
            return [np.ones(1)]

    seat, weights = Seat(), Weights([np.zeros(1)])
    weights.changed(seat)
    weights.changed(seat)
    assert seat.reads == 0
    assert weights.arrays == [1] == weights.arrays
    assert seat.reads == 1
