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
        directory: the checkpoints are somewhere below it; gets a file ``resumed`` with the number
            that the job went on with.
    """

    after: int
    directory: Path

    def __call__(self, row: Any) -> Any:
        seen, failed, resumed = (self.directory / name for name in ("seen", "failed", "resumed"))
        if failed.exists():
            if not resumed.exists():
                resumed.write_text(str(row[0]))
        elif row[0] > self.after:
            newest = max((int(path.name[4:]) for path in self.directory.rglob("chk-*")), default=0)
            if not seen.exists():
                seen.write_text(str(newest))
            elif newest >= int(seen.read_text()) + 2:
                failed.touch()
                raise SystemError("the injected failure")
        return row
