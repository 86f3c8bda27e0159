"""Models: their signatures without TensorFlow, one copy of them a process, methods to call them.

The package is also a function: ``modelstream.model(NAME)`` is the running job's model of that name.
"""

import sys
from types import ModuleType

from modelstream.convert.flinktypes import ColumnType
from modelstream.convert.spec import Layout, TensorSpec
from modelstream.model.bound import BoundMethod
from modelstream.model.callable_model import CallableModel
from modelstream.model.graph_def import GraphDefModel
from modelstream.model.graph_signature import GraphSignature, GraphTensor
from modelstream.model.keras_model import KerasModel
from modelstream.model.methods import Classify, Method, Predict, Regress, method_for
from modelstream.model.protocol import Model, OpenModel
from modelstream.model.runtime import Runtime
from modelstream.model.saved_model import SavedModel
from modelstream.model.saver import Saver
from modelstream.model.signature import DEFAULT_SIGNATURE, Signature
from modelstream.model.warmup import warm_up

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
    "Runtime",
    "SavedModel",
    "Saver",
    "Signature",
    "TensorSpec",
    "method_for",
    "warm_up",
]


class _CallablePackage(ModuleType):
    """Lets ``ms.model("fraud")`` and ``from modelstream.model import SavedModel`` both mean it."""

    def __call__(self, name: str) -> Model:
        from modelstream.job.context import model

        return model(name)


sys.modules[__name__].__class__ = _CallablePackage
