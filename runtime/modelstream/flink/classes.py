"""Flink's functions, each with models: what they add to Flink is in ModelAwareFunction."""

from pyflink.datastream.functions import (
    AllWindowFunction,
    BroadcastProcessFunction,
    CoFlatMapFunction,
    CoMapFunction,
    CoProcessFunction,
    FilterFunction,
    FlatMapFunction,
    KeyedBroadcastProcessFunction,
    KeyedCoProcessFunction,
    KeyedProcessFunction,
    MapFunction,
    ProcessAllWindowFunction,
    ProcessFunction,
    ProcessWindowFunction,
    WindowFunction,
)

from modelstream.flink.mixin import ModelAwareFunction

# pyflink has no types: each class below derives from one that mypy does not know.
# mypy: disable-error-code=misc


class ModelMapFunction(ModelAwareFunction, MapFunction):
    """One record in, one out: ``map(value)``."""


class ModelFlatMapFunction(ModelAwareFunction, FlatMapFunction):
    """One record in, any number out: ``flat_map(value)``."""


class ModelFilterFunction(ModelAwareFunction, FilterFunction):
    """Lets through the records for which ``filter(value)`` is true."""


class ModelProcessFunction(ModelAwareFunction, ProcessFunction):
    """``process_element(value, ctx)``: side outputs and the record's time."""


class ModelKeyedProcessFunction(ModelAwareFunction, KeyedProcessFunction):
    """``process_element(value, ctx)`` and ``on_timer(timestamp, ctx)``, with state by key."""


class ModelCoMapFunction(ModelAwareFunction, CoMapFunction):
    """Two streams, ``map1(value)`` and ``map2(value)``; a result of None is left out."""


class ModelCoFlatMapFunction(ModelAwareFunction, CoFlatMapFunction):
    """Two streams, ``flat_map1(value)`` and ``flat_map2(value)``."""


class ModelCoProcessFunction(ModelAwareFunction, CoProcessFunction):
    """Two streams, ``process_element1(value, ctx)`` and ``process_element2(value, ctx)``."""


class ModelKeyedCoProcessFunction(ModelAwareFunction, KeyedCoProcessFunction):
    """Two streams of one key, with state by key and timers."""


class ModelBroadcastProcessFunction(ModelAwareFunction, BroadcastProcessFunction):
    """A stream, and one that every subtask sees: ``process_broadcast_element(value, ctx)``."""


class ModelKeyedBroadcastProcessFunction(ModelAwareFunction, KeyedBroadcastProcessFunction):
    """A keyed stream, and one that every subtask sees, with state by key and timers."""


class ModelWindowFunction(ModelAwareFunction, WindowFunction):
    """The records of a key's window at once: ``apply(key, window, inputs)``."""


class ModelAllWindowFunction(ModelAwareFunction, AllWindowFunction):
    """The records of a window at once, of all keys: ``apply(window, inputs)``."""


class ModelProcessWindowFunction(ModelAwareFunction, ProcessWindowFunction):
    """The records of a key's window at once, with state: ``process(key, context, elements)``."""


class ModelProcessAllWindowFunction(ModelAwareFunction, ProcessAllWindowFunction):
    """The records of a window at once, of all keys, with state: ``process(context, elements)``."""
