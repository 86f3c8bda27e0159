from dataclasses import dataclass

import numpy as np
import pytest

from modelstream.convert import (
    TensorSpec,
    TensorValue,
    example,
    register_type,
    to_tensor,
    to_values,
    unregister_type,
)
from modelstream.errors import ConversionError


def text(*values):
    array = np.empty(len(values), object)
    array[:] = values
    return array


@pytest.mark.parametrize(
    ("array", "python_type", "expected"),
    [
        pytest.param(np.array([1, 2], np.uint8), int, [1, 2], id="int"),
        pytest.param(np.array([[1.5], [2]], np.float32), float, [1.5, 2.0], id="one-element"),
        pytest.param(np.array([True, False]), bool, [True, False], id="bool"),
        pytest.param(text(b"a", "ü".encode()), str, ["a", "ü"], id="text"),
        pytest.param(text(b"\xff", "a"), bytes, [b"\xff", b"a"], id="bytes"),
        pytest.param(np.zeros((2, 1, 2), int), list, [[[0, 0]], [[0, 0]]], id="list"),
        pytest.param(np.array([1, 2]), list, [[1], [2]], id="list-of-a-scalar"),
        pytest.param(np.array([[1, 2]]), tuple, [(1, 2)], id="tuple"),
        pytest.param(text(example(x=1.5)), dict, [{"x": [1.5]}], id="example"),
        pytest.param(
            np.array([[1, 2]], np.int32), TensorValue, [TensorValue([1, 2], "int32")], id="tensor"
        ),
        pytest.param(text(b"a"), TensorValue, [TensorValue("a")], id="string-tensor"),
    ],
)
def test_a_batch_becomes_values_of_a_type(array, python_type, expected):
    values = to_values(array, python_type)
    assert values == expected
    assert {type(value) for value in values} == {python_type}


def test_records_stay_arrays_where_arrays_are_wanted():
    first, _ = to_values(np.zeros((2, 3)), np.ndarray)
    assert first.shape == (3,)


@pytest.mark.parametrize(
    ("array", "python_type", "index", "words"),
    [
        pytest.param(np.array([1.5]), int, 0, "would change", id="float-into-int"),
        pytest.param(np.array([1]), bool, 0, "would change", id="int-into-bool"),
        pytest.param(np.zeros((2, 2)), float, 0, "not one element", id="vector-into-number"),
        pytest.param(text(b"a", b"\xff"), str, 1, "utf-8", id="bytes-into-text"),
        pytest.param(np.array([1]), str, 0, "neither text nor bytes", id="number-into-text"),
        pytest.param(text(b"\x0a\xff\xff"), dict, 0, "not a tf.train.Example", id="no-example"),
    ],
)
def test_a_record_that_does_not_fit_the_type_is_named(array, python_type, index, words):
    with pytest.raises(ConversionError, match=words) as caught:
        to_values(array, python_type)
    assert caught.value.index == index


@dataclass(frozen=True)
class Point:
    x: float
    y: float


@pytest.fixture
def points():
    register_type(Point, lambda point: [point.x, point.y], lambda array: Point(*array.tolist()))
    yield
    unregister_type(Point)


def test_a_registered_type_goes_to_a_tensor_and_back(points):
    given = [Point(1, 2), Point(3, 4)]
    assert to_values(to_tensor(given, TensorSpec("float32", (None, 2))), Point) == given


def test_a_failing_converter_is_an_error_of_its_record_on_the_way_back(points):
    with pytest.raises(ConversionError, match="record 0 makes no Point") as caught:
        to_values(np.zeros((1, 3)), Point)
    assert caught.value.index == 0


def test_a_type_that_nobody_makes_says_how_to_teach_it():
    with pytest.raises(ConversionError, match=r"register_type\(Point, from_array=\.\.\.\)"):
        to_values(np.zeros((1, 2)), Point)
