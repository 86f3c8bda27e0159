"""Models: their signatures without TensorFlow, one copy per process, methods to call them."""

from typing import TYPE_CHECKING

from modelstream.exports import exports

if TYPE_CHECKING:
    from modelstream.convert.flinktypes import ColumnType
    from modelstream.convert.spec import Layout, TensorSpec
    from modelstream.models.bound import BoundMethod
    from modelstream.models.callable_model import CallableModel
    from modelstream.models.graph_def import GraphDefModel
    from modelstream.models.graph_signature import GraphSignature, GraphTensor
    from modelstream.models.keras_model import KerasModel
    from modelstream.models.methods import Classify, Method, Predict, Regress, method_for
    from modelstream.models.options import TensorFlowOptions
    from modelstream.models.protocol import Model, OpenModel
    from modelstream.models.saved_model import SavedModel
    from modelstream.models.saver import Saver
    from modelstream.models.signature import DEFAULT_SIGNATURE, Signature
    from modelstream.models.warmup import warm_up

_HOMES = {
    "DEFAULT_SIGNATURE": "models.signature",
    "BoundMethod": "models.bound",
    "CallableModel": "models.callable_model",
    "Classify": "models.methods",
    "ColumnType": "convert.flinktypes",
    "GraphDefModel": "models.graph_def",
    "GraphSignature": "models.graph_signature",
    "GraphTensor": "models.graph_signature",
    "KerasModel": "models.keras_model",
    "Layout": "convert.spec",
    "Method": "models.methods",
    "Model": "models.protocol",
    "OpenModel": "models.protocol",
    "Predict": "models.methods",
    "Regress": "models.methods",
    "SavedModel": "models.saved_model",
    "Saver": "models.saver",
    "Signature": "models.signature",
    "TensorFlowOptions": "models.options",
    "TensorSpec": "convert.spec",
    "method_for": "models.methods",
    "warm_up": "models.warmup",
}

__all__ = [
    "DEFAULT_SIGNATURE",
    "BoundMethod",
    "CallableModel",
    "Classify",
    "ColumnType",
    "GraphDefModel",
    "GraphSignature",
    "GraphTensor",
    "KerasModel",
    "Layout",
    "Method",
    "Model",
    "OpenModel",
    "Predict",
    "Regress",
    "SavedModel",
    "Saver",
    "Signature",
    "TensorFlowOptions",
    "TensorSpec",
    "method_for",
    "warm_up",
]

__getattr__ = exports(__name__, _HOMES)
