"""How many arguments a function of Flink may have."""

import logging

import pytest

from modelstream.flink.udf import Arguments


@pytest.mark.parametrize(("count", "warned"), [(600, False), (601, True)])
def test_more_arguments_than_flink_takes_are_said_before_it_fails(
    caplog: pytest.LogCaptureFixture, count: int, warned: bool
) -> None:
    arguments = Arguments(tuple(f"f{number}" for number in range(count)))
    with caplog.at_level(logging.WARNING, "modelstream"):
        arguments.warn_of_many("wide")
    assert ("model wide is fed by 601 arguments" in caplog.text) == warned
