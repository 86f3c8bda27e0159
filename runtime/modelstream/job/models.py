"""The model that a manifest describes, at the place where it is now."""

from pathlib import Path

from modelstream.models import (
    GraphDefModel,
    GraphSignature,
    GraphTensor,
    KerasModel,
    Model,
    SavedModel,
)
from modelstream.models.signature import CLASSIFY, PREDICT, REGRESS
from modelstream_crds import v1alpha1 as api

_METHOD_NAMES = {
    api.Method.PREDICT: PREDICT,
    api.Method.CLASSIFY: CLASSIFY,
    api.Method.REGRESS: REGRESS,
}


def model_at(path: Path, spec: api.Model) -> Model:
    """The model, its signatures read, nothing loaded where its format tells enough.

    Raises:
        ModelError: there is no model of that format at the path, or its signatures are not those
            of the graph.
    """
    match spec.format:
        case api.ModelFormat.SAVED_MODEL:
            return SavedModel(path, tags=spec.tags or ("serve",), name=spec.name)
        case api.ModelFormat.KERAS:
            return KerasModel(path, name=spec.name)
        case api.ModelFormat.GRAPH_DEF:
            signatures = {each.name: _signature(each) for each in spec.signatures or ()}
            return GraphDefModel(path, signatures=signatures, name=spec.name)


def _signature(spec: api.GraphSignature) -> GraphSignature:
    return GraphSignature(
        {each.name: _tensor(each) for each in spec.inputs},
        {each.name: _tensor(each) for each in spec.outputs},
        _METHOD_NAMES[spec.method],
    )


def _tensor(spec: api.GraphTensor) -> GraphTensor:
    shape = None
    if spec.shape is not None:
        shape = tuple(None if size < 0 else size for size in spec.shape)
    return GraphTensor(spec.tensor, shape, spec.dtype)
