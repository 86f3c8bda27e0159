"""What a Keras file tells without Keras."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelstream.errors import ModelFormatError, ModelNotFoundError
from modelstream.models import KerasModel, keras_config


def layer(kind: str, name: str, taken: list[Any] | None = None, **config: Any) -> dict[str, Any]:
    made = {
        "module": "keras.layers",
        "class_name": kind,
        "config": {"name": name, "dtype": {"config": {"name": "float32"}}, **config},
    }
    return made if taken is None else {**made, "build_config": {"input_shape": taken}}


def entry(name: str, shape: list[Any], dtype: str = "float32", **config: Any) -> dict[str, Any]:
    told = {"batch_shape": shape, "sparse": False, "ragged": False, **config}
    return layer("InputLayer", name) | {"config": {"name": name, "dtype": dtype, **told}}


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., Path]:
    def write(class_name: str, layers: list[dict[str, Any]], **config: Any) -> Path:
        path = tmp_path / "net.keras"
        text = json.dumps({"class_name": class_name, "config": {"layers": layers, **config}})
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", text)
        return path

    return write


@pytest.mark.parametrize(
    ("last", "output"),
    [
        pytest.param(layer("Dense", "y", [None, 8], units=3), "float32[?, 3]", id="dense"),
        pytest.param(layer("Dense", "y", [None, 5, 8], units=3), "float32[?, 5, 3]", id="dense-3d"),
        pytest.param(layer("Softmax", "y", [None, 8]), "float32[?, 8]", id="same"),
        pytest.param(layer("Flatten", "y", [None, 2, 3]), "float32[?, 6]", id="flatten"),
        pytest.param(layer("Flatten", "y", [None, None, 3]), "float32[?, ?]", id="flatten-open"),
        pytest.param(
            layer(
                "GlobalAveragePooling2D",
                "y",
                [None, 4, 4, 7],
                data_format="channels_last",
                keepdims=False,
            ),
            "float32[?, 7]",
            id="pooling",
        ),
    ],
)
def test_a_sequential_model_is_told_by_its_first_and_last_layers(
    write: Callable[..., Path], last: dict[str, Any], output: str
) -> None:
    model = KerasModel(write("Sequential", [entry("x", [None, 4]), last]))
    assert str(model.signatures["serving_default"]) == (
        f"serving_default(x: float32[?, 4]) -> (y: {output})"
    )
    assert model.name == "net"


def test_a_functional_model_names_its_ends(write: Callable[..., Path]) -> None:
    tensor = {"class_name": "__keras_tensor__", "config": {"shape": [None, 6], "dtype": "float32"}}
    node = {"inbound_nodes": [{"args": [tensor], "kwargs": {}}]}
    layers = [
        entry("b", [None], "string"),
        entry("a", [None, 4]),
        layer("Dense", "dense", units=1) | node,
    ]
    ends = {"input_layers": [["a", 0, 0], ["b", 0, 0]], "output_layers": {"score": ["dense", 0, 0]}}
    found = keras_config.described(write("Functional", layers, **ends))
    assert found is not None
    assert [f"{name} {spec}" for name, spec in found.inputs.items()] == [
        "a float32[?, 4]",
        "b string[?]",
    ]
    assert {name: str(spec) for name, spec in found.outputs.items()} == {"score": "float32[?, 1]"}


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param([entry("x", [None, 4]), layer("LSTM", "y", [None, 8])], id="unusual-end"),
        pytest.param([entry("x", [None, 4]), layer("Softmax", "y")], id="no-shape"),
        pytest.param([layer("Dense", "x"), layer("Softmax", "y", [None, 8])], id="no-input-layer"),
        pytest.param([entry("x", [None, 4], sparse=True), layer("Softmax", "y", [1])], id="sparse"),
        pytest.param(
            [entry("x", [None, 4]), {**layer("Dense", "y", [None, 8]), "module": "mine"}], id="own"
        ),
    ],
)
def test_what_the_file_does_not_tell_is_left_to_keras(
    write: Callable[..., Path], layers: list[dict[str, Any]]
) -> None:
    assert keras_config.described(write("Sequential", layers)) is None


@pytest.mark.parametrize("last", ["Activation", "Dropout", "Flatten", "Softmax"])
@pytest.mark.parametrize(
    "before",
    [
        pytest.param([entry("x", [None, 4], "int64")], id="input"),
        pytest.param([entry("x", [None, 4], "int32"), layer("Dropout", "d")], id="passed on"),
        pytest.param([entry("x", [None, 4]), layer("Discretization", "d")], id="made"),
        pytest.param([entry("x", [None, 4]), layer("Sequential", "d")], id="nested"),
    ],
)
def test_integers_that_a_layer_hands_on_are_left_to_keras(
    write: Callable[..., Path], before: list[dict[str, Any]], last: str
) -> None:
    end = layer(last, "y", [None, 4])
    assert keras_config.described(write("Sequential", [*before, end])) is None
    floats = write("Sequential", [entry("x", [None, 4], "float64"), layer("Conv1D", "c"), end])
    assert keras_config.described(floats) is not None
    tensor = {"config": {"shape": [None, 4], "dtype": "int32"}}
    node = {"inbound_nodes": [{"args": [tensor], "kwargs": {}}]}
    ends = {"input_layers": [["x", 0, 0]], "output_layers": [["y", 0, 0]]}
    path = write("Functional", [entry("x", [None, 4]), end | node], **ends)
    assert keras_config.described(path) is None


@pytest.mark.parametrize(
    "inner",
    [
        pytest.param(layer("LSTM", "lstm", stateful=True), id="stateful"),
        pytest.param(
            layer("Bidirectional", "both", layer=layer("GRU", "gru", stateful=True)), id="wrapped"
        ),
        pytest.param(
            layer("Dropout", "noise") | {"inbound_nodes": [{"kwargs": {"training": True}}]},
            id="in-training",
        ),
        pytest.param(
            layer("Dropout", "noise") | {"inbound_nodes": [{"args": [{}, True], "kwargs": {}}]},
            id="in-training-unnamed",
        ),
        pytest.param(layer("Dense", "own") | {"module": "keras_of_mine"}, id="almost-keras"),
        pytest.param(layer("Lambda", "code"), id="lambda"),
        pytest.param(layer("Plus", "own") | {"module": None}, id="own"),
        pytest.param(
            layer("Dense", "own", activation={"module": "builtins", "class_name": "function"}),
            id="own-activation",
        ),
    ],
)
def test_a_layer_that_may_change_variables_is_left_to_keras(
    write: Callable[..., Path], inner: dict[str, Any]
) -> None:
    last = layer("Dense", "y", [None, 8], units=3)
    assert keras_config.described(write("Sequential", [entry("x", [None, 4]), inner, last])) is None
    plain = write("Sequential", [entry("x", [None, 4]), layer("LSTM", "a", stateful=False), last])
    assert keras_config.described(plain) is not None


def test_a_layer_that_is_called_twice_is_left_to_keras(write: Callable[..., Path]) -> None:
    shared = layer("Dense", "dense", [None, 6], units=1) | {"inbound_nodes": [{}, {}]}
    ends = {"input_layers": [["a", 0, 0]], "output_layers": {"one": ["dense", 0, 1]}}
    path = write("Functional", [entry("a", [None, 4]), shared], **ends)
    assert keras_config.described(path) is None


def test_a_file_that_is_no_zip_is_corrupt(tmp_path: Path) -> None:
    path = tmp_path / "net.keras"
    path.write_bytes(b"nothing")
    with pytest.raises(
        ModelFormatError, match=r"net\.keras is not a Keras model, .* copied complete"
    ):
        KerasModel(path)


def test_a_directory_holds_one_model(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match=r"no Keras model .* it is empty"):
        KerasModel(tmp_path)
    for name in ("a.keras", "b.h5"):
        (tmp_path / name).touch()
    with pytest.raises(ModelNotFoundError, match=r"2 of Keras model: a\.keras, b\.h5; name one"):
        KerasModel(tmp_path)
