"""A Keras model in memory, called as one traced function."""

import re
from collections.abc import Mapping
from json import JSONDecodeError
from pathlib import Path
from typing import Any

import keras
import numpy.typing as npt
import tensorflow as tf

from modelstream.convert.inputs import Tensor
from modelstream.convert.spec import Layout, TensorSpec
from modelstream.errors import ModelFormatError, ModelLoadError
from modelstream.models.eager_engine import FAULTS, TrackableEngine, configure
from modelstream.models.gradients import tied_gradients
from modelstream.models.keras_config import Described, corrupt
from modelstream.models.layouts import flattened, pieces
from modelstream.models.options import TensorFlowOptions
from modelstream.models.origin import Origins
from modelstream.models.protocol import Fed
from modelstream.models.statefulness import Graph


class KerasEngine(TrackableEngine):
    """A Keras model.

    Raises:
        ModelLoadError: Keras refuses the model.
        ModelFormatError: the file is corrupt, or the model does not say what it takes.
    """

    faults = FAULTS

    def __init__(self, path: Path, options: TensorFlowOptions) -> None:
        configure(options)
        self._device = options.device
        with tied_gradients(), tf.device(options.device):
            self._model = _loaded(path)
            self._inputs = _inputs(self._model, path)
            self._run = tf.function(self._forward).get_concrete_function(
                [_tensorflow_spec(each) for each in self._inputs.values()]
            )
        self._outputs = keras.tree.flatten(self._run.structured_outputs)
        self._names = _output_names(self._model, self._run.structured_outputs)

    @property
    def described(self) -> Described:
        """What it takes and gives, as Keras knows it."""
        outputs = dict(zip(self._names, self._outputs, strict=True))
        graph_def = self._run.graph.as_graph_def()
        origins = Origins(graph_def)
        tensors = [each.name for each in self._run.outputs]
        return Described(
            self._inputs,
            {name: _spec(each, name) for name, each in outputs.items()},
            Graph(graph_def).changes_what_is_read(tensors, tensors),
            frozenset(
                name
                for name, each in outputs.items()
                if isinstance(each, tf.Tensor) and origins.is_probability(each.name)
            ),
        )

    def call(self, signature: str, inputs: Fed) -> dict[str, npt.NDArray[Any]]:
        """Run the model on arrays that fit it, as it is after training."""
        tensors = [_tensor(inputs[name], spec) for name, spec in self._inputs.items()]
        with tf.device(self._device):
            outputs = keras.tree.flatten(self._run(tensors))
        return {name: flattened(each) for name, each in zip(self._names, outputs, strict=True)}

    def close(self) -> None:
        """Drop the function before the model whose variables it uses."""
        self._run = self._model = self._outputs = None

    def _forward(self, tensors: list[Any]) -> Any:
        structure = getattr(self._model, "_inputs_struct", None)
        given = tensors[0] if structure is None else keras.tree.pack_sequence_as(structure, tensors)
        return self._model(given, training=False)


def _loaded(path: Path) -> Any:
    if keras.backend.backend() != "tensorflow":
        raise ModelLoadError(
            f"Keras runs on {keras.backend.backend()} here: set KERAS_BACKEND=tensorflow"
        )
    try:
        return keras.models.load_model(path, compile=False)
    except (OSError, JSONDecodeError) as error:
        raise corrupt(path, error) from error
    except Exception as error:  # whatever else Keras raises
        if "model.weights" in str(error):  # the archive has none
            raise corrupt(path, error) from error
        raise ModelLoadError(f"Keras cannot load the model {path}: {_why(error)}") from error


def _why(error: Exception) -> str:
    """What is wrong, and what to do; Keras names options of its loader, which is called here."""
    said = str(error)
    exported = (
        "where that code is at hand, write it with model.export(DIR) and open DIR as a SavedModel, "
        "which needs none of it"
    )
    if "No model config found" in said:
        return (
            "it holds weights and no model: write the model with model.save('NAME.keras') or "
            "model.export(DIR), not with save_weights"
        )
    if "Lambda" in said and "safe_mode" in said:
        return f"it holds a Lambda layer, whose Python code is not run from a file: {exported}"
    if found := _UNKNOWN.search(said):
        return (
            f"it needs the {found[1]} {found[2]!r}, which is not known here: {exported}; or "
            f"register it (keras.saving.register_keras_serializable) in a module, and import that "
            f"before the model opens: KerasModel(…, imports=['that.module'])"
        )
    return f"{type(error).__name__}: {said}"


_UNKNOWN = re.compile(r"(?:Could not locate|Unknown) (class|function|layer|object):? '?(\w+)")


def _inputs(model: Any, path: Path) -> dict[str, TensorSpec]:
    if not getattr(model, "inputs", None):
        raise ModelFormatError(
            f"{path} is a model of a class of its own, which does not say what it takes: write it "
            f"with model.export() and open it as a SavedModel"
        )
    return {each.name: _spec(each, each.name) for each in model.inputs}


def _spec(tensor: Any, name: str) -> TensorSpec:
    dtype = tensor.dtype if isinstance(tensor.dtype, str) else tensor.dtype.name
    if getattr(tensor, "ragged", False) or isinstance(tensor, tf.RaggedTensor):
        rank = getattr(tensor, "ragged_rank", None) or 1
        return TensorSpec(dtype, tuple(tensor.shape), name, Layout.RAGGED, rank)
    return TensorSpec(dtype, tuple(tensor.shape), name)


def _tensorflow_spec(spec: TensorSpec) -> Any:
    if spec.layout is Layout.RAGGED:
        return tf.RaggedTensorSpec(spec.shape, spec.dtype, spec.ragged_rank, spec.splits)
    return tf.TensorSpec(spec.shape, spec.dtype, spec.name)


def _tensor(value: Tensor, spec: TensorSpec) -> Any:
    flat, *splits = pieces(value)
    array = tf.constant(flat, dtype=spec.dtype)
    if not splits:
        return array
    return tf.RaggedTensor.from_nested_row_splits(
        array, [tf.constant(each, dtype=spec.splits) for each in splits], validate=False
    )


def _output_names(model: Any, structure: Any) -> list[str]:
    """One name an output, in the order in which Keras flattens them."""
    paths = [path for path, _ in keras.tree.flatten_with_path(structure)]
    if isinstance(structure, Mapping):
        names = ["_".join(str(step) for step in path) for path in paths]
    else:
        names = list(getattr(model, "output_names", None) or [model.layers[-1].name])
    if len(set(names)) == len(paths):
        return names
    return [f"output_{number}" for number, _ in enumerate(paths)]
