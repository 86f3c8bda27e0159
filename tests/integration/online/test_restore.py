"""Operators find their state again at another parallelism and beside others, with chaining on."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.support.feed import Feed, checkpointed, drained
from tests.support.flink import HUNG_UP, stopped, stream_environment, until
from tests.support.jobs import lines
from tests.support.online import leaky_sum, logistic

import modelstream as ms
from modelstream import HiddenState, Pattern, RecurrentModel, SavedModel, TensorSpec

pytestmark = [pytest.mark.flink, pytest.mark.usefixtures("jvm"), HUNG_UP]

RECORDS, KEYS = 1500, 3
IDS = range(1, RECORDS + 1)
STOP_AT = 900
OPTIONS = {"pipeline.max-parallelism": "8", "execution.checkpointing.interval": "500 ms"}
LABELS = {201: "a", 501: "b", 1200: "c"}
"""Of this record and the two after it, which have other keys; the last come after the restore."""


def numbers(env: Any, given: Any, watch: Callable[[int], int]) -> Any:
    """Rows of ``id``, ``k``, ``x``, ``y``, ``amount`` and ``label``, with event time; one task."""
    from pyflink.common import Row, Types, WatermarkStrategy
    from pyflink.common.watermark_strategy import TimestampAssigner

    labels, keys = LABELS, KEYS

    class Id(TimestampAssigner):
        def extract_timestamp(self, value: Any, record_timestamp: int) -> int:
            return int(value[0])

    def row(line: str) -> Any:
        number = int(line)
        x = [number % 7 / 7, number % 11 / 11]
        label = labels.get(number // keys * keys, "x")
        return Row(watch(number), number % keys, x, float(x[0] > x[1]), 1.0, label)

    floats = Types.PRIMITIVE_ARRAY(Types.FLOAT())
    kind = Types.ROW_NAMED(
        ["id", "k", "x", "y", "amount", "label"],
        [Types.INT(), Types.INT(), floats, Types.FLOAT(), Types.FLOAT(), Types.STRING()],
    )
    rows = given.uid("ids").map(row, output_type=kind)
    watermarks = WatermarkStrategy.for_monotonous_timestamps().with_timestamp_assigner(Id())
    return rows.assign_timestamps_and_watermarks(watermarks)


def counting() -> Any:
    """A function of one's own that counts the records of a key in a HiddenState."""
    from pyflink.common import Row
    from pyflink.datastream import KeyedProcessFunction

    class Count(KeyedProcessFunction):  # type: ignore[misc]  # pyflink has no types
        def __init__(self) -> None:
            self.hidden = HiddenState({"n": TensorSpec("int64", (None,))}, "count")

        def open(self, runtime_context: Any) -> None:
            self.hidden.open(runtime_context)

        def process_element(self, value: Any, ctx: Any) -> Iterator[Any]:
            n = self.hidden.get()["n"] + 1
            self.hidden.set({"n": n})
            yield Row(value[0], value[1], int(n[0]))

    return Count()


def job(
    env: Any,
    feed: Feed,
    directory: Path,
    *,
    parallelism: int,
    endless: bool = True,
    watch: Callable[[int], int] = lambda number: number,
    one_more: bool = False,
) -> None:
    """Everything with state that the library has, on one stream → lines of JSON."""
    from pyflink.common import Encoder, Types
    from pyflink.datastream.connectors.file_system import FileSink, RollingPolicy

    rows = numbers(env, feed.lines(env, endless=endless), watch)
    if one_more:
        rows = rows.map(lambda each: each, output_type=rows.get_type())
    env.set_parallelism(parallelism)
    keyed = rows.key_by(lambda each: each[1], key_type=Types.INT())
    # 25 updates are 200 records of a key: published before the stop, and not again for long.
    learned = ms.learn(keyed, replace(logistic(), publish_every=25), keep=["id"])
    served = ms.infer_with_weights(
        rows, logistic(), learned.weights, key=lambda each: str(each[1]), keep=["id"]
    )
    sequence = RecurrentModel(SavedModel(leaky_sum()), {"h": "h_next"}, inputs={"x": "amount"})
    summed = ms.infer_with_state(keyed, sequence, keep=["id"])
    kind = Types.ROW([Types.INT(), Types.INT(), Types.LONG()])
    counted = keyed.process(counting(), output_type=kind)
    counted.uid("count")
    streams = {
        "learned": learned.scored.map(line, Types.STRING()),
        "served": served.scored.map(line, Types.STRING()),
        "summed": summed.scored.map(line, Types.STRING()),
        "counted": counted.map(line, Types.STRING()),
        "matched": ms.detect(keyed, abc(), name="abc").matched.map(ids, Types.STRING()),
    }
    for name, stream in streams.items():
        sink = FileSink.for_row_format(str(directory / name), Encoder.simple_string_encoder())
        sink.with_rolling_policy(RollingPolicy.on_checkpoint_rolling_policy())
        stream.sink_to(sink.build()).uid(name)


def abc() -> Pattern:
    def shows(label: str) -> Callable[[Any], bool]:
        return lambda each: bool(each[5] == label)

    first = Pattern("a", shows("a"))
    return first.followed_by("b", shows("b")).followed_by("c", shows("c"))


def line(row: Any) -> str:
    return json.dumps(list(row))


def ids(match: Any) -> str:
    return json.dumps([each[0] for each in match.events.values()])


def found(directory: Path, name: str) -> list[list[Any]]:
    return sorted(json.loads(each) for each in lines(directory / name))


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One run that is left alone; and one with a stop, at 2 and then at 3 with one more map."""
    alone, restored = (tmp_path_factory.mktemp(name) for name in ("alone", "restored"))
    whole, feed = Feed(alone / "in"), Feed(restored / "in")
    whole.give(IDS)
    env = stream_environment(OPTIONS)
    job(env, whole, alone, parallelism=1, endless=False)
    env.execute()

    def mark(number: int) -> int:
        if number in (STOP_AT, RECORDS):
            (restored / f"reached-{number}").touch()
        return number

    feed.give(IDS[:STOP_AT])
    checkpoints = restored / "checkpoints"
    options = {**OPTIONS, "execution.checkpointing.dir": checkpoints.as_uri()}
    env = stream_environment(options)
    job(env, feed, restored, parallelism=2, watch=mark)
    client = env.execute_async()
    until((restored / f"reached-{STOP_AT}").exists)
    checkpointed(checkpoints)  # each task runs: one that does not could not be stopped
    savepoint = stopped(client, restored / "savepoints")
    assert len(found(restored, "counted")) == STOP_AT
    feed.give(IDS[STOP_AT:])
    env = stream_environment({**options, "execution.state-recovery.path": savepoint})
    job(env, feed, restored, parallelism=3, watch=mark, one_more=True)
    client = env.execute_async()
    until((restored / f"reached-{RECORDS}").exists)
    drained(client, checkpoints)
    return {"alone": alone, "restored": restored}


@pytest.mark.parametrize("name", ["learned", "summed", "counted", "matched"])
def test_a_keyed_operator_goes_on_where_it_was(runs: dict[str, Path], name: str) -> None:
    alone, restored = (found(runs[run], name) for run in ("alone", "restored"))
    assert restored == alone
    assert len(alone) == (KEYS if name == "matched" else RECORDS)


def test_a_hidden_state_counts_every_record_of_its_key(runs: dict[str, Path]) -> None:
    counted = found(runs["restored"], "counted")
    assert counted == [[at, at % KEYS, (at + 2) // KEYS] for at in IDS]


def test_a_scorer_has_the_weights_that_came_before_the_savepoint(runs: dict[str, Path]) -> None:
    served = found(runs["restored"], "served")
    assert [row[0] for row in served] == list(IDS)
    assert {row[-1] for row in served if row[0] > STOP_AT} <= {25, 50}
