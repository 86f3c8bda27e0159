"""What a job goes on from: a path, or the newest savepoint or checkpoint in a directory."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from modelstream.errors import FetchError
from modelstream.pod.failure import PodError
from modelstream.pod.statestore import Complete, StateStore
from modelstream_crds.names import JOB_ID
from modelstream_crds.podreasons import PodReason
from modelstream_crds.restore import (
    RESTORE_ELSE,
    RESTORE_FROM,
    RESTORE_NEWEST,
    TOLD_PATH,
    TOLD_TIME,
    Lookup,
)


class StateUnreachableError(PodError):
    """The store of the job's state does not answer."""

    def __init__(self, cause: Exception) -> None:
        super().__init__(
            PodReason.STATE_UNREACHABLE, f"the store of the job's state cannot be read: {cause}"
        )


@dataclass(frozen=True)
class Origin:
    """What a job is to go on from, as it was looked up."""

    path: str | None
    told: Mapping[str, str]
    """Options that show in Flink's REST interface what the lookup has found."""


def origin(options: Mapping[str, Any], environment: Mapping[str, str]) -> Origin:
    """Look up what the variables name.

    Raises:
        PodError: a job is known to have completed a checkpoint, and none is there; or nobody has
            asked for those that are there.
        OSError: the store does not answer.
    """
    path = environment.get(RESTORE_FROM)
    if not path:
        return Origin(None, {})
    store = StateStore.of(path, options, environment)  # of the run before: it may be another one
    if not (lookup := environment.get(RESTORE_NEWEST)):
        return Origin(given(store, path), {})
    if lookup == Lookup.OF_NOBODY:
        _refuse_others(store, path, options, environment)
        return Origin(None, {})
    if lookup == Lookup.OF_ANY_JOB:
        return _told(newest_of_all(store, path, environment[JOB_ID]))
    savepoints = savepoints_beside(path.rpartition("/")[0])
    found = newest_of(store, path, savepoints)
    if found is not None:
        return _told(found)
    if lookup == Lookup.NEEDED and not _has_begun(options, environment):
        raise PodError(
            PodReason.STATE_MISSING,
            f"the job before has completed a checkpoint, and none is in {path}, nor a savepoint of"
            f" it in {savepoints}: put it back, or say with spec.state.restoreFrom and a greater"
            " nonce what to begin with",
        )
    if not (otherwise := environment.get(RESTORE_ELSE)):
        return _told(None)
    place = StateStore.of(otherwise, options, environment)
    return Origin(given(place, otherwise), {TOLD_PATH: otherwise})


def _refuse_others(
    store: StateStore,
    checkpoints: str,
    options: Mapping[str, Any],
    environment: Mapping[str, str],
) -> None:
    """Begin with nothing only where nothing is passed over."""
    found = newest_of_all(store, checkpoints, environment[JOB_ID])
    if found is None or _has_begun(options, environment):
        return
    when = datetime.fromtimestamp(found.time, UTC).isoformat(timespec="seconds")
    raise PodError(
        PodReason.STATE_FOUND,
        f"the stream begins, and another job of its name has left {found.address}, completed at"
        f" {when}: write spec.state.restoreFrom with newest: true to go on from it, or with"
        " nothing: true to begin anew; either may stand there for good",
    )


def prove_origin(options: Mapping[str, Any], environment: Mapping[str, str]) -> None:
    """Check that there is what the run is to begin with.

    Raises:
        PodError: it is missing.
        StateUnreachableError: the store does not answer.
    """
    try:
        found = origin(options, environment)
        if found.path is None or found.told:
            return
        store = StateStore.of(found.path, options, environment)
        if store.completed(found.path) is not None:
            return
    except (OSError, FetchError) as error:
        raise StateUnreachableError(error) from error
    raise PodError(
        PodReason.STATE_MISSING,
        f"spec.state.restoreFrom: {found.path} is not a complete savepoint or checkpoint, and has"
        " none right below it: correct the path",
    )


def _told(found: Complete | None) -> Origin:
    if found is None:
        return Origin(None, {TOLD_PATH: ""})
    return Origin(found.address, {TOLD_PATH: found.address, TOLD_TIME: f"{found.time:.0f}"})


def given(store: StateStore, path: str) -> str:
    """The savepoint or checkpoint that a path leads to: itself, or the newest right below it.

    Where there is none the path stays, and Flink says what it misses.
    """
    found = store.completed(path) or store.newest(path)
    return found.address if found else path


def newest_of(store: StateStore, checkpoints: str, savepoints: str) -> Complete | None:
    """The newest that a job has completed, by its own directory and that of all savepoints."""
    job_id = checkpoints.rpartition("/")[2]
    names = (f"{job_id}-", f"savepoint-{job_id[:6]}-")  # ours, and what Flink calls its own
    ours = [
        each for each in store.directories(savepoints) if each.rpartition("/")[2].startswith(names)
    ]
    return store.newest(*ours, checkpoints)


def newest_of_all(store: StateStore, checkpoints: str, own: str) -> Complete | None:
    """What was completed last of all jobs but one, by the directory of all checkpoints.

    Not the job's own: Flink recovers it from that by itself.
    """
    savepoints = savepoints_beside(checkpoints)
    found = [
        store.newest(each)
        for each in [*store.directories(checkpoints), *store.directories(savepoints)]
        if not each.rpartition("/")[2].startswith((own, f"savepoint-{own[:6]}-"))
    ]
    complete = [each for each in found if each is not None]
    return max(complete, key=lambda each: (each.time, each.number), default=None)


def savepoints_beside(checkpoints: str) -> str:
    """Savepoints lie beside the directory of all checkpoints."""
    return f"{checkpoints.rpartition('/')[0]}/savepoints"


def _has_begun(options: Mapping[str, Any], environment: Mapping[str, str]) -> bool:
    """Whether this job has a checkpoint of its own, from which Flink recovers it."""
    own = f"{options['execution.checkpointing.dir']}/{environment['MODELSTREAM_JOB_ID']}"
    return StateStore.of(own, options, environment).newest(own) is not None
