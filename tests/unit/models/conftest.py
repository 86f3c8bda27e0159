"""SavedModels that hold signatures and nothing else: enough for all that needs no TensorFlow."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import pytest

from modelstream.convert.protos import DATA_TYPES, message
from modelstream.models import SavedModel

Tensors = Mapping[str, tuple[str, tuple[int | None, ...] | None]]
NUMBERS = {name: number for number, name in DATA_TYPES.items()}


def _fill(infos, tensors: Tensors) -> None:
    for name, (dtype, shape) in tensors.items():
        infos[name].name = f"{name}:0"
        infos[name].dtype = NUMBERS[dtype]
        infos[name].tensor_shape.unknown_rank = shape is None
        for size in shape or ():
            infos[name].tensor_shape.dim.add(size=-1 if size is None else size)


def add_graph(saved_model, tags: Iterable[str], signatures) -> None:
    graph = saved_model.meta_graphs.add()
    graph.meta_info_def.tags.extend(tags)
    for name, (inputs, outputs, *method) in signatures.items():
        definition = graph.signature_def[name]
        definition.method_name = f"tensorflow/serving/{method[0] if method else 'predict'}"
        _fill(definition.inputs, inputs)
        _fill(definition.outputs, outputs)


def write(directory: Path, graphs) -> Path:
    """Write saved_model.pb: ``graphs`` is tags → {signature: (inputs, outputs[, method])}."""
    saved_model = message("SavedModel")()
    for tags, signatures in graphs.items():
        add_graph(saved_model, tags, signatures)
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    return directory


@pytest.fixture
def write_model(tmp_path) -> Callable[..., Path]:
    return lambda graphs, where="model": write(tmp_path / where, graphs)


@pytest.fixture
def model_with(write_model) -> Callable[..., SavedModel]:
    """A model with one signature, serving_default."""

    def make(inputs: Tensors, outputs: Tensors, method: str = "predict") -> SavedModel:
        return SavedModel(write_model({("serve",): {"serving_default": (inputs, outputs, method)}}))

    return make
