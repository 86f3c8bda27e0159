"""State that a job can go on from: by its path, or what a later JobManager is to find. Pure."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from modelstream_crds.restore import TOLD_PATH, TOLD_TIME, Lookup
from modelstream_crds.v1alpha1 import OriginStatus, StateStatus
from modelstream_operator.decide.fields import given
from modelstream_operator.resources import Manifest


class Kind(StrEnum):
    """What state can be restored from."""

    SAVEPOINT = "Savepoint"
    CHECKPOINT = "Checkpoint"
    NEWEST = "Newest"
    """Of a job: which one it is, the JobManager of the next run finds."""
    NOTHING = "Nothing"
    """The JobManager has found that there is none: the run begins anew."""


@dataclass(frozen=True)
class Stored:
    """A savepoint or checkpoint that is complete, by its path."""

    path: str
    kind: Kind
    job_id: str = ""
    """The job that it was taken of."""
    revision: str = ""
    """What the run of that job was made from."""
    search: "Search | None" = None
    """How it was to be found, where the path was not known before."""

    @classmethod
    def at(cls, path: str) -> "Stored":
        """What is at a path that a person has written; whose it is, nobody has said."""
        return cls(path, _kind(path))

    @property
    def named(self) -> str:
        """Its path, in words where only its directory is known."""
        return f"the newest in {self.path}" if self.kind is Kind.NEWEST else self.path

    @property
    def is_of_any_job(self) -> bool:
        """Whether it is the newest of all that is in its directory, whichever job took it."""
        return self.search is not None and self.search.of_any_job

    @property
    def settled(self) -> "Stored | None":
        """What it is, once that is known; how it was found no longer matters."""
        if self.kind is Kind.NEWEST:
            return self
        return None if self.kind is Kind.NOTHING else replace(self, search=None)

    def found(self, found: "Found") -> "Stored":
        """The same with what the JobManager has found."""
        search = self.search
        if search is None or self.kind is not Kind.NEWEST:
            return self
        if not found.path:
            return replace(self, path="", kind=Kind.NOTHING)
        if search.otherwise and search.otherwise.path == found.path:
            return replace(search.otherwise, search=search)
        return replace(self, path=found.path, kind=_kind(found.path))

    def written(self) -> Manifest:
        """The fields of status that hold it."""
        search = self.search
        return given(
            path=self.path,
            kind=self.kind,
            jobId=self.job_id,
            revision=self.revision,
            newestOf=search.directory if search else None,
            needed=search.needed if search else None,
            ofAnyJob=search.of_any_job if search else None,
            otherwise=search.otherwise.written() if search and search.otherwise else None,
            firstStart=search.first if search else None,
        )


@dataclass(frozen=True)
class Search:
    """Where the newest of a job's savepoints and checkpoints is to be found."""

    directory: str
    """The job's checkpoints, or those of all jobs; savepoints are beside the latter."""
    needed: bool = False
    """Whether it has completed one: to begin without it would lose state."""
    otherwise: Stored | None = None
    """What that job began from, for one that has completed none."""
    of_any_job: bool = False
    first: bool = False
    """Whether a stream begins for the first time: then nothing is taken, and what another job has
    completed there is not passed over either."""

    @property
    def lookup(self) -> Lookup:
        """The word for it that a JobManager understands."""
        if self.first:
            return Lookup.OF_NOBODY
        if self.of_any_job:
            return Lookup.OF_ANY_JOB
        return Lookup.NEEDED if self.needed else Lookup.IF_ANY


@dataclass(frozen=True)
class Found:
    """What a JobManager says that it has found; an empty path is nothing."""

    path: str
    time: datetime | None = None
    """When it was completed."""

    @classmethod
    def of(cls, configuration: dict[str, str]) -> "Found | None":
        """Read it from Flink's configuration; None where the JobManager has looked for nothing."""
        if (path := configuration.get(TOLD_PATH)) is None:
            return None
        seconds = configuration.get(TOLD_TIME, "")
        return cls(path, datetime.fromtimestamp(int(seconds), UTC) if seconds.isdigit() else None)


def newest(checkpoints: str, job_id: str) -> Stored:
    """The newest that a job completes, by the directory of all checkpoints."""
    return Stored(f"{checkpoints}/{job_id}", Kind.NEWEST, job_id)


def newest_of_all(checkpoints: str) -> Stored:
    """The newest that any job has completed there, or beside it as a savepoint."""
    return Stored(checkpoints, Kind.NEWEST, search=Search(checkpoints, of_any_job=True))


def nothing_yet(checkpoints: str) -> Stored:
    """What a stream begins with that has never run, by the directory of all checkpoints."""
    return Stored("", Kind.NOTHING, search=Search(checkpoints, first=True))


def read(said: StateStatus | None) -> Stored | None:
    """Read it from status."""
    if said is None or not said.kind:
        return None
    search = None
    if said.newest_of:
        search = Search(
            said.newest_of,
            needed=bool(said.needed),
            otherwise=_read_origin(said.otherwise),
            of_any_job=bool(said.of_any_job),
            first=bool(said.first_start),
        )
    return replace(_stored(said), search=search)


def _read_origin(said: OriginStatus | None) -> Stored | None:
    return _stored(said) if said and said.path else None


def _stored(said: Any) -> Stored:
    kind = Kind(said.kind or Kind.SAVEPOINT)
    return Stored(said.path or "", kind, said.job_id or "", said.revision or "")


def _kind(path: str) -> Kind:
    """Flink's own names tell them apart."""
    name = path.rstrip("/").rpartition("/")[2]
    return Kind.CHECKPOINT if name.startswith("chk-") else Kind.SAVEPOINT
