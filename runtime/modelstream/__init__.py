"""Machine-learning models as functions over streams.

Names are imported when they are first used: `import modelstream` loads neither TensorFlow nor
PyFlink.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelstream import errors as errors
    from modelstream.convert import Constant as Constant
    from modelstream.convert import Fit as Fit
    from modelstream.convert import Image as Image
    from modelstream.convert import Layout as Layout
    from modelstream.convert import RaggedValue as RaggedValue
    from modelstream.convert import TensorColumn as TensorColumn
    from modelstream.convert import TensorSpec as TensorSpec
    from modelstream.convert import TensorValue as TensorValue
    from modelstream.convert import example as example
    from modelstream.convert import parse_example as parse_example
    from modelstream.convert import register_type as register_type
    from modelstream.convert import to_ragged as to_ragged
    from modelstream.convert import to_tensor as to_tensor
    from modelstream.convert import to_values as to_values
    from modelstream.convert import unregister_type as unregister_type
    from modelstream.errors import ModelStreamError as ModelStreamError
    from modelstream.errors import UnscorableError as UnscorableError
    from modelstream.failure import DeadLetter as DeadLetter
    from modelstream.failure import Drop as Drop
    from modelstream.failure import Fail as Fail
    from modelstream.failure import Failure as Failure
    from modelstream.failure import Null as Null
    from modelstream.failure import Stage as Stage
    from modelstream.flink.awaiting import ModelAsyncFunction as ModelAsyncFunction
    from modelstream.flink.awaiting import async_with_model as async_with_model
    from modelstream.flink.awaiting import map_batches_with_model as map_batches_with_model
    from modelstream.flink.classes import ModelAllWindowFunction as ModelAllWindowFunction
    from modelstream.flink.classes import ModelAwareFunction as ModelAwareFunction
    from modelstream.flink.classes import (
        ModelBroadcastProcessFunction as ModelBroadcastProcessFunction,
    )
    from modelstream.flink.classes import ModelCoFlatMapFunction as ModelCoFlatMapFunction
    from modelstream.flink.classes import ModelCoMapFunction as ModelCoMapFunction
    from modelstream.flink.classes import ModelCoProcessFunction as ModelCoProcessFunction
    from modelstream.flink.classes import ModelFilterFunction as ModelFilterFunction
    from modelstream.flink.classes import ModelFlatMapFunction as ModelFlatMapFunction
    from modelstream.flink.classes import (
        ModelKeyedBroadcastProcessFunction as ModelKeyedBroadcastProcessFunction,
    )
    from modelstream.flink.classes import ModelKeyedCoProcessFunction as ModelKeyedCoProcessFunction
    from modelstream.flink.classes import ModelKeyedProcessFunction as ModelKeyedProcessFunction
    from modelstream.flink.classes import ModelMapFunction as ModelMapFunction
    from modelstream.flink.classes import (
        ModelProcessAllWindowFunction as ModelProcessAllWindowFunction,
    )
    from modelstream.flink.classes import ModelProcessFunction as ModelProcessFunction
    from modelstream.flink.classes import ModelProcessWindowFunction as ModelProcessWindowFunction
    from modelstream.flink.classes import ModelWindowFunction as ModelWindowFunction
    from modelstream.flink.closures import filter_with_model as filter_with_model
    from modelstream.flink.closures import flat_map_with_model as flat_map_with_model
    from modelstream.flink.closures import map_with_model as map_with_model
    from modelstream.flink.closures import process_with_model as process_with_model
    from modelstream.flink.entry import infer as infer
    from modelstream.flink.environment import configure as configure
    from modelstream.flink.letters import dead_letters as dead_letters
    from modelstream.flink.route import Inferred as Inferred
    from modelstream.flink.route import Route as Route
    from modelstream.flink.sql import register as register
    from modelstream.models import CallableModel as CallableModel
    from modelstream.models import Classify as Classify
    from modelstream.models import GraphDefModel as GraphDefModel
    from modelstream.models import GraphSignature as GraphSignature
    from modelstream.models import GraphTensor as GraphTensor
    from modelstream.models import KerasModel as KerasModel
    from modelstream.models import Predict as Predict
    from modelstream.models import Regress as Regress
    from modelstream.models import SavedModel as SavedModel
    from modelstream.models import Saver as Saver
    from modelstream.models import Signature as Signature
    from modelstream.models import TensorFlowOptions as TensorFlowOptions
    from modelstream.models.running import model as model
    from modelstream.online import Learned as Learned
    from modelstream.online import OnlineModel as OnlineModel
    from modelstream.online import decode_weights as decode_weights
    from modelstream.online import export as export
    from modelstream.online import infer_with_weights as infer_with_weights
    from modelstream.online import learn as learn
    from modelstream.patterns import AfterMatch as AfterMatch
    from modelstream.patterns import Match as Match
    from modelstream.patterns import Pattern as Pattern
    from modelstream.patterns import TimedOut as TimedOut
    from modelstream.patterns import detect as detect
    from modelstream.recurrent.definition import RecurrentModel as RecurrentModel
    from modelstream.recurrent.function import infer_with_state as infer_with_state
    from modelstream.recurrent.hidden import HiddenState as HiddenState
    from modelstream.scoring.batch import Batch as Batch
    from modelstream.scoring.letter import DEAD_LETTER_COLUMNS as DEAD_LETTER_COLUMNS
    from modelstream.scoring.session import ModelHandle as ModelHandle

__version__ = "0.1.0"

_NAMES = {
    "convert": (
        *("Constant", "Fit", "Image", "Layout", "RaggedValue", "TensorColumn", "TensorSpec"),
        *("TensorValue", "example", "parse_example", "register_type", "to_ragged", "to_tensor"),
        *("to_values", "unregister_type"),
    ),
    "errors": ("ModelStreamError", "UnscorableError"),
    "failure": ("DeadLetter", "Drop", "Fail", "Failure", "Null", "Stage"),
    "flink.awaiting": ("ModelAsyncFunction", "async_with_model", "map_batches_with_model"),
    "flink.classes": (
        *("ModelAllWindowFunction", "ModelAwareFunction", "ModelBroadcastProcessFunction"),
        *("ModelCoFlatMapFunction", "ModelCoMapFunction", "ModelCoProcessFunction"),
        *("ModelFilterFunction", "ModelFlatMapFunction", "ModelKeyedBroadcastProcessFunction"),
        *("ModelKeyedCoProcessFunction", "ModelKeyedProcessFunction", "ModelMapFunction"),
        *("ModelProcessAllWindowFunction", "ModelProcessFunction", "ModelProcessWindowFunction"),
        "ModelWindowFunction",
    ),
    "flink.closures": (
        *("filter_with_model", "flat_map_with_model", "map_with_model", "process_with_model"),
    ),
    "flink.entry": ("infer",),
    "flink.environment": ("configure",),
    "flink.letters": ("dead_letters",),
    "flink.route": ("Inferred", "Route"),
    "flink.sql": ("register",),
    "models": (
        *("CallableModel", "Classify", "GraphDefModel", "GraphSignature", "GraphTensor"),
        *("KerasModel", "Predict", "Regress", "SavedModel"),
        *("Saver", "Signature", "TensorFlowOptions"),
    ),
    "models.running": ("model",),
    "online": (
        *("Learned", "OnlineModel", "decode_weights", "export", "infer_with_weights", "learn"),
    ),
    "patterns": ("AfterMatch", "Match", "Pattern", "TimedOut", "detect"),
    "recurrent.definition": ("RecurrentModel",),
    "recurrent.hidden": ("HiddenState",),
    "recurrent.function": ("infer_with_state",),
    "scoring.batch": ("Batch",),
    "scoring.letter": ("DEAD_LETTER_COLUMNS",),
    "scoring.session": ("ModelHandle",),
}
_HOMES = {name: home for home, names in _NAMES.items() for name in names}

__all__ = sorted([*_HOMES, "errors"])  # the one list is _NAMES


def __getattr__(name: str) -> Any:
    if name == "errors":
        return import_module("modelstream.errors")
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"modelstream.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
