"""How PyFlink is told to send results; another PyFlink may have to be told in another way."""

import threading
from collections.abc import Iterator
from typing import Any
from unittest.mock import Mock

import pyarrow as pa
import pytest
from tests.support.handed import handed
from tests.support.jvm import import_noisy
from tests.support.numpymodel import NumpyModel

from modelstream.scoring.plan import Plan


@pytest.fixture
def output() -> Iterator[Any]:
    """An output of PyFlink's, made as its workers make one."""
    import_noisy()
    from pyflink.fn_execution.beam.beam_stream_fast import BeamTimeBasedOutputStream

    before = set(threading.enumerate())
    output = BeamTimeBasedOutputStream()
    (clock,) = set(threading.enumerate()) - before
    yield output
    output.close()
    clock.join()


def test_an_output_is_told_by_what_its_clock_calls(output: Any) -> None:
    from modelstream.flink.udf import Outputs

    (tick,) = [each for each in Outputs()._ticks if each.__self__ is output]
    assert tick.__name__ == "notify_flush"


@pytest.mark.parametrize(
    ("records", "sent"),
    [
        pytest.param(4096, 1, id="more will come"),
        pytest.param(4095, 0, id="the bundle ends, which sends them"),
    ],
)
def test_the_results_of_a_full_batch_are_sent_before_the_bundle_ends(
    records: int, sent: int
) -> None:
    import_noisy()
    from modelstream.flink.udf import Arguments, ModelFunction

    function = ModelFunction(Plan.of(NumpyModel()), Arguments(("x",)))
    function.open(Mock(get_metric_group=Mock(side_effect=RuntimeError)))
    function._outputs = Mock()
    function.eval(*handed(pa.array([1.0] * records, pa.float32())))
    assert function._outputs.send.call_count == sent
