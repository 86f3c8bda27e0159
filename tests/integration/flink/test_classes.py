"""Every rich class, in worker processes as on a cluster: one job for all of them.

The model doubles its input. Each function says its name before what it got, so that one list of
lines tells what each did.
"""

import os
from collections import defaultdict
from pathlib import Path
from typing import Any

import pytest
from tests.support.flink import HUNG_UP, in_processes, stream_environment, streamed, until
from tests.support.loggedmodel import LoggedModel

import modelstream as ms

pytestmark = [pytest.mark.flink, HUNG_UP]


def twice(function: ms.ModelAwareFunction, value: float) -> float:
    return function.model.score(value)["y"]


def together(function: ms.ModelAwareFunction, values: Any) -> list[float]:
    return [result["y"] for result in function.model.score_all(list(values))]


class Map(ms.ModelMapFunction):
    """Two models in one function, and a life of its own."""

    def open(self, runtime_context):
        super().open(runtime_context)
        self.said = "map"

    def map(self, value):
        first, second = (handle.score(value)["y"] for handle in self.models.values())
        return f"{self.said} {first + second}"


class FlatMap(ms.ModelFlatMapFunction):
    def flat_map(self, value):
        return [f"flat_map {twice(self, value)}"] * int(value)


class Filter(ms.ModelFilterFunction):
    def filter(self, value):
        return twice(self, value) > 3


class Process(ms.ModelProcessFunction):
    def process_element(self, value, ctx):
        yield f"process {twice(self, value)} at {ctx.timestamp()}"


class KeyedProcess(ms.ModelKeyedProcessFunction):
    def process_element(self, value, ctx):
        yield f"keyed {twice(self, value)} of {ctx.get_current_key()}"
        ctx.timer_service().register_event_time_timer(10_000)

    def on_timer(self, timestamp, ctx):
        yield f"keyed {twice(self, 50.0)} later"


class CoMap(ms.ModelCoMapFunction):
    def map1(self, value):
        return f"co_map left {twice(self, value)}"

    def map2(self, value):
        return f"co_map right {twice(self, value)}"


class CoFlatMap(ms.ModelCoFlatMapFunction):
    def flat_map1(self, value):
        return [f"co_flat_map left {twice(self, value)}"]

    def flat_map2(self, value):
        return []


class CoProcess(ms.ModelCoProcessFunction):
    def process_element1(self, value, ctx):
        yield f"co_process left {twice(self, value)}"

    def process_element2(self, value, ctx):
        yield f"co_process right {twice(self, value)}"


class KeyedCoProcess(ms.ModelKeyedCoProcessFunction):
    def process_element1(self, value, ctx):
        yield f"keyed_co_process left {twice(self, value)}"

    def process_element2(self, value, ctx):
        yield f"keyed_co_process right {twice(self, value)}"


class Broadcast(ms.ModelBroadcastProcessFunction):
    def process_element(self, value, ctx):
        yield f"broadcast data {twice(self, value)}"

    def process_broadcast_element(self, value, ctx):
        yield f"broadcast rule {twice(self, value)}"


class KeyedBroadcast(ms.ModelKeyedBroadcastProcessFunction):
    def process_element(self, value, ctx):
        yield f"keyed_broadcast data {twice(self, value)}"

    def process_broadcast_element(self, value, ctx):
        yield f"keyed_broadcast rule {twice(self, value)}"


class Window(ms.ModelWindowFunction):
    def apply(self, key, window, inputs):
        return [f"window {key} {together(self, inputs)}"]


class ProcessWindow(ms.ModelProcessWindowFunction):
    def process(self, key, context, elements):
        yield f"process_window {key} {together(self, elements)}"


class AllWindow(ms.ModelAllWindowFunction):
    def apply(self, window, inputs):
        return [f"all_window {together(self, inputs)}"]


class ProcessAllWindow(ms.ModelProcessAllWindowFunction):
    def process(self, context, elements):
        yield f"process_all_window {together(self, elements)}"


class Async(ms.ModelAsyncFunction):
    async def async_invoke(self, value):
        scored = await self.model.score(value)
        return [f"async {scored['y']}"]


EXPECTED = {
    "map": ["12.0", "4.0", "8.0"],
    "flat_map": ["2.0", "4.0", "4.0", "6.0", "6.0", "6.0"],
    "filter": ["2.0", "3.0"],
    "process": ["2.0 at 1", "4.0 at 2", "6.0 at 3"],
    "keyed": ["100.0 later", "100.0 later", "2.0 of odd", "4.0 of even", "6.0 of odd"],
    "co_map": ["left 2.0", "left 4.0", "left 6.0", "right 14.0"],
    "co_flat_map": ["left 2.0", "left 4.0", "left 6.0"],
    "co_process": ["left 2.0", "left 4.0", "left 6.0", "right 14.0"],
    "keyed_co_process": ["left 2.0", "left 4.0", "left 6.0", "right 14.0"],
    "broadcast": ["data 2.0", "data 4.0", "data 6.0", "rule 14.0"],
    "keyed_broadcast": ["data 2.0", "data 4.0", "data 6.0", "rule 14.0"],
    "window": ["even [4.0]", "odd [2.0, 6.0]"],
    "process_window": ["even [4.0]", "odd [2.0, 6.0]"],
    "all_window": ["[2.0, 4.0, 6.0]"],
    "process_all_window": ["[2.0, 4.0, 6.0]"],
    "async": ["2.0", "4.0", "6.0"],
}


def applied(env, model, another) -> list[Any]:
    """Streams of lines, one for each class."""
    from pyflink.common import Time, Types, WatermarkStrategy
    from pyflink.datastream import AsyncDataStream
    from pyflink.datastream.state import MapStateDescriptor
    from pyflink.datastream.window import TumblingEventTimeWindows
    from tests.integration.flink.moments import MomentOfNumber

    text, number = Types.STRING(), Types.FLOAT()
    times = WatermarkStrategy.for_monotonous_timestamps().with_timestamp_assigner(MomentOfNumber())
    numbers = env.from_collection([1.0, 2.0, 3.0], number)
    numbers = numbers.assign_timestamps_and_watermarks(times)
    keyed = numbers.key_by(parity, text)
    others = env.from_collection([7.0], number)
    rules = others.broadcast(MapStateDescriptor("rules", text, number))
    hour = TumblingEventTimeWindows.of(Time.hours(1))
    return [
        numbers.map(Map(model, another), text),
        numbers.flat_map(FlatMap(model), text),
        numbers.filter(Filter(model)).map(lambda value: f"filter {value}", text),
        numbers.process(Process(model), text),
        keyed.process(KeyedProcess(model), text),
        numbers.connect(others).map(CoMap(model), text),
        numbers.connect(others).flat_map(CoFlatMap(model), text),
        numbers.connect(others).process(CoProcess(model), text),
        keyed.connect(others.key_by(parity, text)).process(KeyedCoProcess(model), text),
        numbers.connect(rules).process(Broadcast(model), text),
        keyed.connect(rules).process(KeyedBroadcast(model), text),
        keyed.window(hour).apply(Window(model), text),
        keyed.window(hour).process(ProcessWindow(model), text),
        numbers.window_all(hour).apply(AllWindow(model), text),
        numbers.window_all(hour).process(ProcessAllWindow(model), text),
        AsyncDataStream.ordered_wait(numbers, Async(model), Time.milliseconds(0), 1024, text),
    ]


def parity(value: float) -> str:
    return "odd" if value % 2 else "even"


def test_every_class_runs_with_its_models_loaded_once_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_processes(monkeypatch)
    log = tmp_path / "log"
    model, another = LoggedModel(log=log), LoggedModel(log=log, name="another")
    first, *rest = applied(stream_environment(), model, another)
    found = defaultdict(list)
    for line in streamed(first.union(*rest)):
        name, said = line.split(" ", 1)
        found[name].append(said)
    assert {name: sorted(said) for name, said in found.items()} == EXPECTED
    # The worker closes its models when the job is gone, and nobody waits for it.
    until(lambda: log.read_text().count("close") >= 2, "the models were not closed")
    events = [line.split() for line in log.read_text().splitlines()]
    (worker,) = {process for _, process in events}
    assert int(worker) != os.getpid()
    assert [event for event, _ in events] == ["load", "load", "close", "close"]
