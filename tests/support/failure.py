"""A failure that a job survives, once there is a checkpoint to go on from."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class FailsOnce:
    """Hands on rows; fails when there are two more checkpoints than when it saw a number.

    The second of them was triggered after the first was complete, so it is of a later moment.

    Attributes:
        after: the number, which is the first field of a row.
        checkpoints: where the job keeps them.
        directory: gets a file ``resumed`` with the number that the job went on with.
    """

    after: int
    checkpoints: Path
    directory: Path

    def __call__(self, row: Any) -> Any:
        seen, failed, resumed = (self.directory / name for name in ("seen", "failed", "resumed"))
        if failed.exists():
            if not resumed.exists():
                resumed.write_text(str(row[0]))
        elif row[0] > self.after:
            newest = newest_checkpoint(self.checkpoints)
            if not seen.exists():
                seen.write_text(str(newest))
            elif newest >= int(seen.read_text()) + 2:
                failed.touch()
                raise SystemError("the injected failure")
        return row


def newest_checkpoint(directory: Path) -> int:
    """The number of the newest complete checkpoint, or 0; Flink takes away those that are older."""
    found = directory.glob("*/chk-*/_metadata")  # does not list what is about to go
    return max((int(path.parent.name.removeprefix("chk-")) for path in found), default=0)
