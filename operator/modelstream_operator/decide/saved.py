"""Savepoints that the operator has taken, as ``status`` lists them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from modelstream_crds.v1alpha1 import SavepointStatus
from modelstream_operator.decide import fields
from modelstream_operator.decide.fields import given, stamp
from modelstream_operator.resources import Manifest

MOST = 60
"""So many are listed, the newest first: the greatest ``keep``, and what is exempt from it."""


@dataclass(frozen=True)
class MadeOf:
    """What the present run is made of, for people."""

    generation: int = 0
    image: str = ""
    models: tuple[tuple[str, str], ...] = ()
    """Names and digests."""


UNKNOWN = MadeOf()
"""Of a run of which nobody has told."""


@dataclass(frozen=True)
class Saved:
    """A savepoint, and what it was taken of."""

    path: str
    time: datetime
    job_id: str
    revision: str = ""
    made_of: MadeOf = UNKNOWN

    def written(self) -> Manifest:
        """The fields of status that hold it."""
        return given(
            path=self.path,
            time=stamp(self.time),
            jobId=self.job_id,
            revision=self.revision,
            generation=self.made_of.generation,
            image=self.made_of.image,
            models=[given(name=name, digest=digest) for name, digest in self.made_of.models],
        )


def with_one(listed: Iterable[Saved], new: Saved) -> tuple[Saved, ...]:
    """With one more, which is the newest."""
    others = [each for each in listed if each.path != new.path]
    return (new, *others)[:MOST]


def read(said: Iterable[SavepointStatus]) -> tuple[Saved, ...]:
    """Read them from status."""
    found = ((each, fields.time(each.time)) for each in said)
    return tuple(
        Saved(each.path, time, each.job_id or "", each.revision or "", _made_of(each))
        for each, time in found
        if time is not None
    )


def _made_of(said: SavepointStatus) -> MadeOf:
    models = tuple((each.name, each.digest or "") for each in said.models)
    return MadeOf(said.generation or 0, said.image or "", models)
