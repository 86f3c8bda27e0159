"""What runs that have ended left in the store, as ``status`` holds it. Pure.

Nobody lists the store: each directory is named in full, by the id of a job of this very object.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from modelstream_crds.v1alpha1 import RemainsStatus
from modelstream_operator.decide.fields import given
from modelstream_operator.resources import Manifest

MOST = 20
"""Jobs whose directories are remembered; those of older ones stay."""


@dataclass(frozen=True)
class Remains:
    """The checkpoints of a job that is over, and what its high availability kept."""

    run: int
    job_id: str
    root: str
    """The stream's own directory in the store."""
    error: str = ""
    """Why they could not be removed."""

    @property
    def directories(self) -> tuple[str, ...]:
        """Each by its full name; savepoints are none of them."""
        return f"{self.root}/checkpoints/{self.job_id}", f"{self.root}/ha/{self.job_id}"

    def hold(self, path: str) -> bool:
        """Whether a savepoint, checkpoint or directory of them lies there."""
        path = path.rstrip("/")
        return any(path == each or path.startswith(f"{each}/") for each in self.directories)

    def written(self) -> Manifest:
        """The fields of status that hold it."""
        return given(run=self.run, jobId=self.job_id, root=self.root, error=self.error)


def with_one(known: Iterable[Remains], new: Remains) -> tuple[Remains, ...]:
    """With one more, the newest first."""
    others = [each for each in known if each.job_id != new.job_id]
    return (new, *others)[:MOST]


def read(said: Iterable[RemainsStatus]) -> tuple[Remains, ...]:
    """Read them from status."""
    return tuple(
        Remains(each.run or 0, each.job_id, each.root, each.error or "")
        for each in said
        if each.root
    )
