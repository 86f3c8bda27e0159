"""What a run restores: the words between the operator and the entry point of a JobManager."""

from enum import StrEnum
from typing import Final

RESTORE_FROM: Final = "MODELSTREAM_RESTORE_FROM"
"""Variable: the path of a savepoint or checkpoint; with RESTORE_NEWEST a checkpoint directory."""

RESTORE_NEWEST: Final = "MODELSTREAM_RESTORE_NEWEST"
"""Variable: a ``Lookup``. The newest in that directory is looked up when the JobManager starts."""

RESTORE_ELSE: Final = "MODELSTREAM_RESTORE_ELSE"
"""Variable: the path that is taken where the lookup finds nothing."""

RESTORE_LESS: Final = "MODELSTREAM_RESTORE_LESS"
"""Variable: ``true`` where state that no operator of the job reads may be left aside."""

RESTORE: Final = frozenset({RESTORE_FROM, RESTORE_NEWEST, RESTORE_ELSE, RESTORE_LESS})
"""The variables."""

REMOVE: Final = "MODELSTREAM_REMOVE"
"""Variable of a pod that removes directories: a list of them as JSON, each by its full name."""

TOLD_PATH: Final = "modelstream.restore.path"
"""Option in Flink's configuration, which its REST interface shows: what the lookup has found; empty
for nothing."""

TOLD_TIME: Final = "modelstream.restore.completed"
"""Option: when that was completed, in seconds since 1970."""


class Lookup(StrEnum):
    """In which directory the newest savepoint or checkpoint is looked up, and if one has to be."""

    NEEDED = "Needed"
    """That of one job, which has completed one: without it the run does not start."""
    IF_ANY = "IfAny"
    """That of one job, which may have completed none."""
    OF_ANY_JOB = "OfAnyJob"
    """That of all jobs: what was completed last counts, whichever job it is of."""
    OF_NOBODY = "OfNobody"
    """That of all jobs, by a stream that begins: with nothing, and only where nothing is there."""
