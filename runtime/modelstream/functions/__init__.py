"""Functions of Flink that have models: classes to derive from, and plain Python functions."""

from typing import TYPE_CHECKING

from modelstream.exports import exports

if TYPE_CHECKING:
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

_HOMES = {
    "ModelAllWindowFunction": "functions.classes",
    "ModelAsyncFunction": "functions.asynchronous",
    "ModelAwareFunction": "functions.mixin",
    "ModelBroadcastProcessFunction": "functions.classes",
    "ModelCoFlatMapFunction": "functions.classes",
    "ModelCoMapFunction": "functions.classes",
    "ModelCoProcessFunction": "functions.classes",
    "ModelFilterFunction": "functions.classes",
    "ModelFlatMapFunction": "functions.classes",
    "ModelKeyedBroadcastProcessFunction": "functions.classes",
    "ModelKeyedCoProcessFunction": "functions.classes",
    "ModelKeyedProcessFunction": "functions.classes",
    "ModelMapFunction": "functions.classes",
    "ModelProcessAllWindowFunction": "functions.classes",
    "ModelProcessFunction": "functions.classes",
    "ModelProcessWindowFunction": "functions.classes",
    "ModelWindowFunction": "functions.classes",
    "async_with_model": "functions.asynchronous",
    "dead_letters": "inference.letters",
    "filter_with_model": "functions.closures",
    "flat_map_with_model": "functions.closures",
    "map_with_model": "functions.closures",
    "process_with_model": "functions.closures",
}

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

__getattr__ = exports(__name__, _HOMES)
