"""Machine-learning models as functions over streams.

Names are imported when they are first used: `import modelstream` loads neither TensorFlow nor
PyFlink.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from modelstream.exports import exports

if TYPE_CHECKING:
    from modelstream.batching import Batch, configure
    from modelstream.convert import Image, TensorColumn, TensorSpec, TensorValue, example
    from modelstream.deadletter import DeadLetter, Drop, Fail, Failure
    from modelstream.errors import ModelStreamError, UnscorableError
    from modelstream.functions import (
        ModelAllWindowFunction,
        ModelAsyncFunction,
        ModelAwareFunction,
        ModelBroadcastProcessFunction,
        ModelCoFlatMapFunction,
        ModelCoMapFunction,
        ModelCoProcessFunction,
        ModelFilterFunction,
        ModelFlatMapFunction,
        ModelKeyedBroadcastProcessFunction,
        ModelKeyedCoProcessFunction,
        ModelKeyedProcessFunction,
        ModelMapFunction,
        ModelProcessAllWindowFunction,
        ModelProcessFunction,
        ModelProcessWindowFunction,
        ModelWindowFunction,
        async_with_model,
        dead_letters,
        filter_with_model,
        flat_map_with_model,
        map_with_model,
        process_with_model,
    )
    from modelstream.inference import Inferred, RecordDecoder, infer
    from modelstream.inference.asynchandle import AsyncModelHandle
    from modelstream.inference.handle import ModelHandle
    from modelstream.inference.stream import InferredStream
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
    from modelstream.online import HiddenState, Learned, OnlineModel, SequenceModel
    from modelstream.patterns import AfterMatch, Sequence
    from modelstream.sql import register

_HOMES = {
    "AfterMatch": "patterns",
    "AsyncModelHandle": "inference.asynchandle",
    "Batch": "batching",
    "CallableModel": "model",
    "Classify": "model",
    "DeadLetter": "deadletter",
    "Drop": "deadletter",
    "Fail": "deadletter",
    "Failure": "deadletter",
    "GraphDefModel": "model",
    "GraphSignature": "model",
    "GraphTensor": "model",
    "HiddenState": "online",
    "Image": "convert",
    "Inferred": "inference",
    "InferredStream": "inference.stream",
    "KerasModel": "model",
    "Learned": "online",
    "ModelAllWindowFunction": "functions",
    "ModelAsyncFunction": "functions",
    "ModelAwareFunction": "functions",
    "ModelBroadcastProcessFunction": "functions",
    "ModelCoFlatMapFunction": "functions",
    "ModelCoMapFunction": "functions",
    "ModelCoProcessFunction": "functions",
    "ModelFilterFunction": "functions",
    "ModelFlatMapFunction": "functions",
    "ModelHandle": "inference.handle",
    "ModelKeyedBroadcastProcessFunction": "functions",
    "ModelKeyedCoProcessFunction": "functions",
    "ModelKeyedProcessFunction": "functions",
    "ModelMapFunction": "functions",
    "ModelProcessAllWindowFunction": "functions",
    "ModelProcessFunction": "functions",
    "ModelProcessWindowFunction": "functions",
    "ModelStreamError": "errors",
    "ModelWindowFunction": "functions",
    "OnlineModel": "online",
    "Predict": "model",
    "RecordDecoder": "inference",
    "Regress": "model",
    "Runtime": "model",
    "SavedModel": "model",
    "Saver": "model",
    "Sequence": "patterns",
    "SequenceModel": "online",
    "Signature": "model",
    "TensorColumn": "convert",
    "TensorSpec": "convert",
    "TensorValue": "convert",
    "UnscorableError": "errors",
    "async_with_model": "functions",
    "configure": "batching",
    "dead_letters": "functions",
    "example": "convert",
    "filter_with_model": "functions",
    "flat_map_with_model": "functions",
    "infer": "inference",
    "map_with_model": "functions",
    "process_with_model": "functions",
    "register": "sql",
}

__all__ = [
    "AfterMatch",
    "AsyncModelHandle",
    "Batch",
    "CallableModel",
    "Classify",
    "DeadLetter",
    "Drop",
    "Fail",
    "Failure",
    "GraphDefModel",
    "GraphSignature",
    "GraphTensor",
    "HiddenState",
    "Image",
    "Inferred",
    "InferredStream",
    "KerasModel",
    "Learned",
    "ModelAllWindowFunction",
    "ModelAsyncFunction",
    "ModelAwareFunction",
    "ModelBroadcastProcessFunction",
    "ModelCoFlatMapFunction",
    "ModelCoMapFunction",
    "ModelCoProcessFunction",
    "ModelFilterFunction",
    "ModelFlatMapFunction",
    "ModelHandle",
    "ModelKeyedBroadcastProcessFunction",
    "ModelKeyedCoProcessFunction",
    "ModelKeyedProcessFunction",
    "ModelMapFunction",
    "ModelProcessAllWindowFunction",
    "ModelProcessFunction",
    "ModelProcessWindowFunction",
    "ModelStreamError",
    "ModelWindowFunction",
    "OnlineModel",
    "Predict",
    "RecordDecoder",
    "Regress",
    "Runtime",
    "SavedModel",
    "Saver",
    "Sequence",
    "SequenceModel",
    "Signature",
    "TensorColumn",
    "TensorSpec",
    "TensorValue",
    "UnscorableError",
    "async_with_model",
    "configure",
    "dead_letters",
    "example",
    "filter_with_model",
    "flat_map_with_model",
    "infer",
    "map_with_model",
    "model",
    "process_with_model",
    "register",
]


def __getattr__(name: str) -> Any:
    if name == "model":  # the package, which is also the function model(name)
        return import_module("modelstream.model")
    return exports(__name__, _HOMES)(name)


def __dir__() -> list[str]:
    return __all__
