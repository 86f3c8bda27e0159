"""Models: their signatures without TensorFlow, one copy per process, methods to call them."""

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
