"""A key comes to its end on a real Flink."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.flink import HUNG_UP, stream_environment, streamed, until

from modelstream import HiddenState, TensorSpec

pytestmark = [pytest.mark.flink, pytest.mark.usefixtures("jvm"), HUNG_UP]

LAST = 60
OPTIONS = {
    # The worker keeps the states of the keys that came last: of one here, not of 1,000.
    "python.state.cache-size": "1",
    "python.fn-execution.bundle.size": "1",
}


def counting(ttl: timedelta | None, counted: Path) -> Any:
    from pyflink.datastream import KeyedProcessFunction

    class Count(KeyedProcessFunction):  # type: ignore[misc]  # pyflink has no types
        def __init__(self) -> None:
            self.hidden = HiddenState({"n": TensorSpec("int64", (None,))}, ttl=ttl)

        def open(self, runtime_context: Any) -> None:
            self.hidden.open(runtime_context)

        def process_element(self, value: int, ctx: Any) -> Iterator[int]:
            if value == 2:
                counted.touch()
            n = self.hidden.get()["n"] + 1
            self.hidden.set({"n": n})
            yield int(n[0])

    return Count()


@pytest.mark.parametrize(
    ("ttl", "count"),
    [pytest.param(timedelta(seconds=1), 1, id="ended"), pytest.param(None, 2, id="no end")],
)
def test_a_key_that_was_idle_begins_anew_when_others_have_come(
    ttl: timedelta | None, count: int, tmp_path: Path
) -> None:
    from pyflink.common import Types, WatermarkStrategy
    from pyflink.datastream.connectors.number_seq import NumberSequenceSource

    counted = tmp_path / "counted"

    def idle(number: int) -> int:
        if number == 3:
            # Once 2 is counted, the bundle of 1 has ended, and its state is written.
            until(counted.exists)
            time.sleep(1.5)
        return number

    env = stream_environment(OPTIONS)
    source = NumberSequenceSource(1, LAST)
    numbers = env.from_source(source, WatermarkStrategy.no_watermarks(), "numbers", Types.LONG())
    keyed = numbers.map(idle, Types.LONG()).key_by(
        lambda number: 1 if number == LAST else number, key_type=Types.LONG()
    )
    counts = streamed(keyed.process(counting(ttl, counted), output_type=Types.LONG()))
    assert (len(counts), counts[-1]) == (LAST, count)
