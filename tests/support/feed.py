"""A source that waits for the test, so that a job is where the test wants it on any machine.

A source with a rate runs ahead of a slow machine: it may be at its end before the first checkpoint.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.failure import newest_checkpoint
from tests.support.flink import stopped, until

if TYPE_CHECKING:
    from pyflink.datastream import DataStream, StreamExecutionEnvironment

MONITOR_MILLIS = 100


@dataclass(frozen=True)
class Feed:
    """Numbers, in the order in which they are given.

    An endless source goes on waiting for more; the job ends when the test drains it.
    """

    directory: Path

    def give(self, numbers: Iterable[int]) -> None:
        """More numbers, in a file that comes into sight when it is whole."""
        self.directory.mkdir(exist_ok=True)
        name = f"{len(list(self.directory.iterdir())):03}.csv"
        hidden = self.directory / f".{name}"
        hidden.write_text("".join(f"{number}\n" for number in numbers))
        hidden.rename(self.directory / name)

    def options(self, *, endless: bool = True) -> str:
        """What follows WITH in SQL; the table has one column with a number."""
        given = {"connector": "filesystem", "format": "csv", "path": str(self.directory)}
        if endless:
            given["source.monitor-interval"] = f"{MONITOR_MILLIS} ms"
        listed = ", ".join(f"'{name}' = '{value}'" for name, value in given.items())
        return f"({listed})"

    def lines(self, env: "StreamExecutionEnvironment", *, endless: bool = True) -> "DataStream":
        """The numbers as text."""
        from pyflink.common import Duration, WatermarkStrategy
        from pyflink.datastream.connectors.file_system import FileSource, StreamFormat

        builder = FileSource.for_record_stream_format(
            StreamFormat.text_line_format(), self.directory.as_uri()
        )
        if endless:
            builder.monitor_continuously(Duration.of_millis(MONITOR_MILLIS))
        return env.from_source(builder.build(), WatermarkStrategy.no_watermarks(), "feed")


def checkpointed(directory: Path) -> None:
    """Wait until a job would go back to a checkpoint that began after this call.

    The next to be complete may have begun before; the one after it did not, and the third shows
    that the second is there to go back to. They are awaited one by one: numbers have gaps, for
    those that failed, and after a restore they do not begin at 1.
    """
    for _ in range(3):
        before = newest_checkpoint(directory)
        until(
            lambda before=before: newest_checkpoint(directory) > before, "there are no checkpoints"
        )


def drained(client: Any, checkpoints: Path) -> None:
    """End a job as if its input had ended; its tasks must all run, which a checkpoint shows."""
    checkpointed(checkpoints)
    stopped(client, checkpoints / "last", drain=True)
