"""Colours are for terminals that show them, and for people who want them."""

import io
from typing import TextIO

import pytest
from tests.unit.cli.test_progress import Terminal

from modelstream.cli.colours import Colour, painted


@pytest.mark.parametrize(
    ("stream", "environment", "coloured"),
    [
        pytest.param(Terminal(), {"TERM": "xterm"}, True, id="a terminal"),
        pytest.param(Terminal(), {"TERM": "dumb"}, False, id="one that shows none"),
        pytest.param(Terminal(), {"NO_COLOR": "1"}, False, id="not wanted"),
        pytest.param(Terminal(), {"NO_COLOR": ""}, True, id="said with nothing"),
        pytest.param(io.StringIO(), {"TERM": "xterm"}, False, id="a file"),
    ],
)
def test_a_word_is_painted(stream: TextIO, environment: dict[str, str], coloured: bool) -> None:
    found = painted("failed", Colour.WRONG, stream, environment)
    assert found == ("\033[1;31mfailed\033[0m" if coloured else "failed")
