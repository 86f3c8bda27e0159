"""Batches cut and filled up, dense and ragged tensors together."""

import numpy as np

from modelstream.convert import RaggedValue
from modelstream.models.padding import cut, filled

TENSORS = {"a": np.arange(5), "b": RaggedValue.of([[1], [], [2, 3], [4], []])}


def listed(tensors):
    return {name: tensor.tolist() for name, tensor in tensors.items()}


def test_a_part_has_the_same_records_of_each_tensor():
    assert listed(cut(TENSORS, 1, 2)) == {"a": [1, 2], "b": [[], [2, 3]]}
    assert listed(cut(TENSORS, 3, 4)) == {"a": [3, 4], "b": [[4], []]}


def test_what_is_missing_are_copies_of_the_first_record():
    assert listed(filled(cut(TENSORS, 2, 2), 2)) == {
        "a": [2, 3, 2, 2],
        "b": [[2, 3], [4], [2, 3], [2, 3]],
    }
    assert filled(TENSORS, 0) is TENSORS
