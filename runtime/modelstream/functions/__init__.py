"""Functions of Flink that have models: classes to derive from, and plain Python functions."""

from modelstream.functions.asynchronous import ModelAsyncFunction, async_with_model
from modelstream.functions.classes import (
    ModelAllWindowFunction,
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
from modelstream.functions.closures import (
    filter_with_model,
    flat_map_with_model,
    map_with_model,
    process_with_model,
)
from modelstream.functions.mixin import ModelAwareFunction
from modelstream.inference.letters import dead_letters

__all__ = [
    "ModelAllWindowFunction",
    "ModelAsyncFunction",
    "ModelAwareFunction",
    "ModelBroadcastProcessFunction",
    "ModelCoFlatMapFunction",
    "ModelCoMapFunction",
    "ModelCoProcessFunction",
    "ModelFilterFunction",
    "ModelFlatMapFunction",
    "ModelKeyedBroadcastProcessFunction",
    "ModelKeyedCoProcessFunction",
    "ModelKeyedProcessFunction",
    "ModelMapFunction",
    "ModelProcessAllWindowFunction",
    "ModelProcessFunction",
    "ModelProcessWindowFunction",
    "ModelWindowFunction",
    "async_with_model",
    "dead_letters",
    "filter_with_model",
    "flat_map_with_model",
    "map_with_model",
    "process_with_model",
]
