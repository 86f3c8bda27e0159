"""What a Keras file says of its model's inputs and outputs, read without Keras.

A ``.keras`` file is a zip whose ``config.json`` tells the shapes that go into each layer. What
comes out of the last ones is known here for the layers that models end with; for any other, and
for an ``.h5`` file, which tells less, the model has to be loaded.
"""

import json
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

from modelstream.convert.dtypes import DTYPES
from modelstream.convert.spec import TensorSpec
from modelstream.errors import ModelFormatError

Shape = tuple[int | None, ...]


@dataclass(frozen=True)
class Described:
    """What a Keras model takes and gives.

    Attributes:
        inputs: by name.
        outputs: by name.
        stateful: a call changes variables that an output reads, of a recurrent layer for example.
        probabilities: the outputs that a sigmoid makes.
    """

    inputs: dict[str, TensorSpec]
    outputs: dict[str, TensorSpec]
    stateful: bool = False
    probabilities: frozenset[str] = frozenset()


def described(path: Path) -> Described | None:
    """What the file tells of the model; None where only the loaded model can tell.

    Raises:
        ModelFormatError: the file is not a Keras model, or is corrupt.
    """
    if path.suffix != ".keras":
        return None
    try:
        config = json.loads(_text(path))
        layers = {layer["config"]["name"]: layer for layer in config["config"]["layers"]}
        _check_stateless(config["config"]["layers"])
        return _Network(config, layers).described()
    except (KeyError, TypeError, ValueError, _UnknownError):
        return None


def _text(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.read("config.json").decode()
    except (zipfile.BadZipFile, KeyError, UnicodeDecodeError) as error:
        raise corrupt(path, error) from error


def corrupt(path: Path, error: Exception) -> ModelFormatError:
    """The error of a file that cannot be read as a Keras model."""
    return ModelFormatError(
        f"{path} is not a Keras model, or is corrupt ({error}); {path.stat().st_size} bytes: was "
        f"it copied completely?"
    )


class _UnknownError(Exception):
    """The configuration does not tell it."""


def _check_stateless(value: Any) -> None:
    """Leave to Keras what may change variables: state, generators in use, code of somebody else."""
    match value:
        case {"stateful": True} | {"training": True}:
            raise _UnknownError
        case {"args": list(given)} if any(each is True for each in given):  # training, unnamed
            raise _UnknownError
        case {"class_name": str(name), "module": module} if name == "Lambda" or not _is_of_keras(
            module
        ):
            raise _UnknownError
        case Mapping():
            for each in value.values():
                _check_stateless(each)
        case list():
            for each in value:
                _check_stateless(each)


def _is_of_keras(module: Any) -> bool:
    return str(module).partition(".")[0] == "keras"


@dataclass(frozen=True)
class _Network:
    """A Sequential or Functional model as its configuration tells it."""

    config: Mapping[str, Any]
    layers: Mapping[str, Any]

    def described(self) -> Described:
        if self.config["class_name"] == "Sequential":
            first, *_, last = self.layers
            inputs, ends = [first], {last: last}
        else:
            inner = self.config["config"]
            inputs = [name for _, name in _ends(inner["input_layers"])]
            ends = dict(_ends(inner["output_layers"]))
        return Described(
            {name: self._input(name) for name in inputs},
            {key: self._output(name, key) for key, name in ends.items()},
            probabilities=frozenset(key for key, name in ends.items() if self._is_sigmoid(name)),
        )

    def _input(self, name: str) -> TensorSpec:
        layer = self.layers[name]
        config = layer["config"]
        if layer["class_name"] != "InputLayer" or config["sparse"] or config["ragged"]:
            raise _UnknownError
        return _spec(config["dtype"], tuple(config["batch_shape"]), name)

    def _output(self, name: str, key: str = "") -> TensorSpec:
        layer = self.layers[name]
        rule = _RULES.get(layer["class_name"])
        if rule is None or not _is_of_keras(layer["module"]):
            raise _UnknownError
        if layer["class_name"] in _KEEPS_DTYPE and not self._gets_floats(name):
            raise _UnknownError
        shape = rule(layer["config"], self._taken(layer))
        return _spec(layer["config"]["dtype"]["config"]["name"], shape, key or name)

    def _taken(self, layer: Mapping[str, Any]) -> Shape:
        """The shape that goes into a layer; a Sequential model tells it where there are weights."""
        if "inbound_nodes" not in layer:
            return tuple(layer["build_config"]["input_shape"])
        ((tensor,),) = (node["args"] for node in layer["inbound_nodes"])  # one call, one tensor
        return tuple(tensor["config"]["shape"])

    def _gets_floats(self, name: str) -> bool:
        """Whether what goes into a layer is of the layer's own dtype, to which floats are cast."""
        layer = self.layers[name]
        if "inbound_nodes" in layer:
            ((tensor,),) = (node["args"] for node in layer["inbound_nodes"])
            return str(tensor["config"]["dtype"]).startswith("float")
        before = self.layers[self._before(name)]
        if before["class_name"] == "InputLayer":
            return str(before["config"]["dtype"]).startswith("float")
        if before["class_name"] in _KEEPS_DTYPE:
            return self._gets_floats(before["config"]["name"])
        return before["class_name"] not in _MAKES_OTHERS

    def _is_sigmoid(self, name: str) -> bool:
        """Whether the layer ends with a sigmoid, or hands on what one before it made."""
        layer = self.layers[name]
        activation = layer["config"].get("activation")
        if layer["class_name"] in _ACTIVATED and activation != "linear":
            return bool(activation == "sigmoid")
        return layer["class_name"] in _PASSES_ON and self._is_sigmoid(self._before(name))

    def _before(self, name: str) -> str:
        layer = self.layers[name]
        if "inbound_nodes" in layer:
            ((tensor,),) = (node["args"] for node in layer["inbound_nodes"])
            return str(tensor["config"]["keras_history"][0])
        order = list(self.layers)
        return order[order.index(name) - 1]


def _ends(layers: Any) -> Iterator[tuple[str, str]]:
    """(name, layer) of each end: given by name, in a list, or one alone."""
    if isinstance(layers, Mapping):
        yield from ((key, layer[0]) for key, layer in sorted(layers.items()))
        return
    names = [layers[0]] if isinstance(layers[0], str) else [layer[0] for layer in layers]
    if len(set(names)) < len(names):
        raise _UnknownError
    yield from ((name, name) for name in names)


def _spec(dtype: str, shape: Shape, name: str) -> TensorSpec:
    if dtype not in DTYPES:
        raise _UnknownError
    return TensorSpec(dtype, shape, name)


def _dense(config: Mapping[str, Any], shape: Shape) -> Shape:
    return (*shape[:-1], config["units"])


def _flat(config: Mapping[str, Any], shape: Shape) -> Shape:
    sizes = [size for size in shape[1:] if size is not None]
    return (shape[0], prod(sizes) if len(sizes) == len(shape) - 1 else None)


def _pooled(config: Mapping[str, Any], shape: Shape) -> Shape:
    if config["data_format"] != "channels_last" or config["keepdims"]:
        raise _UnknownError
    return (shape[0], shape[-1])


def _same(config: Mapping[str, Any], shape: Shape) -> Shape:
    return shape


_KEEPS_DTYPE = (
    *("Activation", "Dropout", "Flatten", "ReLU", "Softmax"),
    *("GlobalAveragePooling1D", "GlobalAveragePooling2D"),
    *("GlobalMaxPooling1D", "GlobalMaxPooling2D"),
)
"""Layers that give integers where they get integers, whatever dtype they state."""
_MAKES_OTHERS = (
    *("CategoryEncoding", "Discretization", "HashedCrossing", "Hashing", "IntegerLookup"),
    *("StringLookup", "TextVectorization", "Functional", "Sequential"),
)
"""Layers that may give integers or texts, whatever they get."""

_ACTIVATED = ("Activation", "Dense")
_PASSES_ON = ("Activation", "Dropout", "Flatten")

_RULES: dict[str, Callable[[Mapping[str, Any], Shape], Shape]] = {
    "Dense": _dense,
    "Flatten": _flat,
    **dict.fromkeys(("GlobalAveragePooling1D", "GlobalAveragePooling2D"), _pooled),
    **dict.fromkeys(("GlobalMaxPooling1D", "GlobalMaxPooling2D"), _pooled),
    **dict.fromkeys(("Activation", "BatchNormalization", "Dropout", "LayerNormalization"), _same),
    **dict.fromkeys(("ReLU", "Rescaling", "Softmax"), _same),
}
