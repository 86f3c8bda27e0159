"""Machine-learning models as functions over streams.

Names are imported when they are first used: `import modelstream` loads neither TensorFlow nor
PyFlink.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelstream.batching import Batch, configure
    from modelstream.convert import Image, TensorColumn, TensorSpec, TensorValue, example
    from modelstream.deadletter import DeadLetter, Drop, Fail
    from modelstream.errors import ModelStreamError
    from modelstream.inference import Inferred, RecordDecoder, infer
    from modelstream.model import (
        CallableModel,
        Classify,
        GraphDefModel,
        GraphSignature,
        GraphTensor,
        KerasModel,
        Predict,
        Regress,
        Runtime,
        SavedModel,
        Saver,
        Signature,
    )
    from modelstream.sql import register

# Where each name is defined. `model` is the package, which is also the function model(name).
_HOMES = {
    "Batch": "batching",
    "CallableModel": "model",
    "Classify": "model",
    "DeadLetter": "deadletter",
    "Drop": "deadletter",
    "Fail": "deadletter",
    "GraphDefModel": "model",
    "GraphSignature": "model",
    "GraphTensor": "model",
    "Image": "convert",
    "Inferred": "inference",
    "KerasModel": "model",
    "ModelStreamError": "errors",
    "Predict": "model",
    "RecordDecoder": "inference",
    "Regress": "model",
    "Runtime": "model",
    "SavedModel": "model",
    "Saver": "model",
    "Signature": "model",
    "TensorColumn": "convert",
    "TensorSpec": "convert",
    "TensorValue": "convert",
    "configure": "batching",
    "example": "convert",
    "infer": "inference",
    "model": "",
    "register": "sql",
}

__all__ = [
    "Batch",
    "CallableModel",
    "Classify",
    "DeadLetter",
    "Drop",
    "Fail",
    "GraphDefModel",
    "GraphSignature",
    "GraphTensor",
    "Image",
    "Inferred",
    "KerasModel",
    "ModelStreamError",
    "Predict",
    "RecordDecoder",
    "Regress",
    "Runtime",
    "SavedModel",
    "Saver",
    "Signature",
    "TensorColumn",
    "TensorSpec",
    "TensorValue",
    "configure",
    "example",
    "infer",
    "model",
    "register",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'modelstream' has no attribute {name!r}")
    if not _HOMES[name]:
        return import_module(f"modelstream.{name}")
    return getattr(import_module(f"modelstream.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
