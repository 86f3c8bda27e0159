"""Machine-learning models as functions over streams.

Names are imported when they are first used: `import modelstream` loads neither TensorFlow nor
PyFlink.
"""

from typing import TYPE_CHECKING, Any

from modelstream.exports import exports

if TYPE_CHECKING:
    from modelstream.convert import Constant, Image, TensorColumn, TensorSpec, TensorValue, example
    from modelstream.errors import ModelStreamError, UnscorableError
    from modelstream.failure import DeadLetter, Drop, Fail, Failure
    from modelstream.flink.awaiting import ModelAsyncFunction, async_with_model
    from modelstream.flink.classes import (
        ModelAllWindowFunction,
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
    )
    from modelstream.flink.closures import (
        filter_with_model,
        flat_map_with_model,
        map_with_model,
        process_with_model,
    )
    from modelstream.flink.entry import infer
    from modelstream.flink.environment import configure
    from modelstream.flink.letters import dead_letters
    from modelstream.flink.sql import register
    from modelstream.flink.streams import InferredStream
    from modelstream.flink.tables import Inferred
    from modelstream.models import (
        CallableModel,
        Classify,
        GraphDefModel,
        GraphSignature,
        GraphTensor,
        KerasModel,
        Predict,
        Regress,
        SavedModel,
        Saver,
        Signature,
        TensorFlowOptions,
    )
    from modelstream.models.running import model
    from modelstream.online import Learned, OnlineModel
    from modelstream.patterns import AfterMatch, Pattern
    from modelstream.recurrent.definition import RecurrentModel
    from modelstream.recurrent.hidden import HiddenState
    from modelstream.scoring.batch import Batch
    from modelstream.scoring.records import RecordDecoder
    from modelstream.scoring.session import ModelHandle
    from modelstream.scoring.together import AsyncModelHandle

_HOMES = {
    "AfterMatch": "patterns",
    "AsyncModelHandle": "scoring.together",
    "Batch": "scoring.batch",
    "CallableModel": "models",
    "Classify": "models",
    "Constant": "convert",
    "DeadLetter": "failure",
    "Drop": "failure",
    "Fail": "failure",
    "Failure": "failure",
    "GraphDefModel": "models",
    "GraphSignature": "models",
    "GraphTensor": "models",
    "HiddenState": "recurrent.hidden",
    "Image": "convert",
    "Inferred": "flink.tables",
    "InferredStream": "flink.streams",
    "KerasModel": "models",
    "Learned": "online",
    "ModelAllWindowFunction": "flink.classes",
    "ModelAsyncFunction": "flink.awaiting",
    "ModelAwareFunction": "flink.classes",
    "ModelBroadcastProcessFunction": "flink.classes",
    "ModelCoFlatMapFunction": "flink.classes",
    "ModelCoMapFunction": "flink.classes",
    "ModelCoProcessFunction": "flink.classes",
    "ModelFilterFunction": "flink.classes",
    "ModelFlatMapFunction": "flink.classes",
    "ModelHandle": "scoring.session",
    "ModelKeyedBroadcastProcessFunction": "flink.classes",
    "ModelKeyedCoProcessFunction": "flink.classes",
    "ModelKeyedProcessFunction": "flink.classes",
    "ModelMapFunction": "flink.classes",
    "ModelProcessAllWindowFunction": "flink.classes",
    "ModelProcessFunction": "flink.classes",
    "ModelProcessWindowFunction": "flink.classes",
    "ModelStreamError": "errors",
    "ModelWindowFunction": "flink.classes",
    "OnlineModel": "online",
    "Pattern": "patterns",
    "Predict": "models",
    "RecordDecoder": "scoring.records",
    "RecurrentModel": "recurrent.definition",
    "Regress": "models",
    "SavedModel": "models",
    "Saver": "models",
    "Signature": "models",
    "TensorColumn": "convert",
    "TensorFlowOptions": "models",
    "TensorSpec": "convert",
    "TensorValue": "convert",
    "UnscorableError": "errors",
    "async_with_model": "flink.awaiting",
    "configure": "flink.environment",
    "dead_letters": "flink.letters",
    "example": "convert",
    "filter_with_model": "flink.closures",
    "flat_map_with_model": "flink.closures",
    "infer": "flink.entry",
    "map_with_model": "flink.closures",
    "model": "models.running",
    "process_with_model": "flink.closures",
    "register": "flink.sql",
}

__all__ = [
    "AfterMatch",
    "AsyncModelHandle",
    "Batch",
    "CallableModel",
    "Classify",
    "Constant",
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
    "Pattern",
    "Predict",
    "RecordDecoder",
    "RecurrentModel",
    "Regress",
    "SavedModel",
    "Saver",
    "Signature",
    "TensorColumn",
    "TensorFlowOptions",
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
    return exports(__name__, _HOMES)(name)


def __dir__() -> list[str]:
    return __all__
