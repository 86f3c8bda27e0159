import io

import pytest

from modelstream.cli.progress import Download, ProgressLine, size
from modelstream.cli.table import aligned


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (999, "999 B"), (2_900_000, "2.9 MB"), (7 * 10**9, "7.0 GB")],
)
def test_sizes_read_as_people_write_them(count: int, text: str) -> None:
    assert size(count) == text


def test_a_terminal_line_is_rewritten_and_covers_what_was_longer() -> None:
    terminal, clock = Terminal(), Clock()
    line = ProgressLine(terminal, clock)
    line.update("a long line")
    clock.now = 1
    line.update("short")
    line.finish("done")
    assert terminal.getvalue() == "\ra long line\rshort      \rdone \n"


def test_updates_in_quick_succession_are_left_out() -> None:
    terminal, clock = Terminal(), Clock()
    line = ProgressLine(terminal, clock)
    for number in range(100):
        line.update(str(number))
    assert terminal.getvalue() == "\r0"


def test_a_log_gets_a_line_now_and_then_and_no_control_characters() -> None:
    log, clock = io.StringIO(), Clock()
    line = ProgressLine(log, clock)
    for second in range(25):
        clock.now = float(second)
        line.update(f"{second} s")
    line.finish()
    assert log.getvalue() == "10 s\n20 s\n"


def test_a_download_tells_its_share() -> None:
    terminal = Terminal()
    Download("model", ProgressLine(terminal, Clock()))(500_000, 1_000_000)
    assert "model: 500.0 kB of 1.0 MB" in terminal.getvalue()


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert aligned(("A", "B"), [("long", "x"), ("", "y")]) == "A     B\nlong  x\n      y"
