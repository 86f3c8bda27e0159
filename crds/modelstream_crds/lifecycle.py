"""spec.state and spec.upgrade: what survives a failure or a change."""

import re
from enum import StrEnum
from typing import Annotated, ClassVar, Final

from pydantic import Field

from modelstream_crds.rules import Part, Rule
from modelstream_crds.scalars import Duration, Flag, ObjectName, Uri

_STORAGE: Final = "^(s3://.+|pvc://[a-z0-9]([-a-z0-9.]*[a-z0-9])?(/.*)?)$"


_STORED: Final = "^(s3://.+|file:///.+|pvc://[a-z0-9]([-a-z0-9.]*[a-z0-9])?/.+)$"


def _origins(restore: "RestoreFrom") -> list[str]:
    given = {
        "path": restore.path is not None,
        "modelStream": restore.model_stream is not None,
        "newest": restore.newest,
        "nothing": restore.nothing,
    }
    return [field for field, is_given in given.items() if is_given]


class RestoreFrom(Part):
    """What a job begins with: until one of the object has run, and once for each greater nonce."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            name="one-origin",
            message="must say what to begin with: write exactly one of path, modelStream,"
            " newest: true and nothing: true",
            cel="[has(self.path), has(self.modelStream), self.newest, self.nothing]"
            ".filter(given, given).size() == 1",
            holds=lambda r: len(_origins(r)) == 1,
            shows=lambda r: f"there are: {', '.join(_origins(r)) or 'none'}",
        ),
    )

    path: (
        Annotated[
            Uri,
            Rule(
                name="restore-path",
                message="is not an address of a savepoint or checkpoint: write s3://BUCKET/PATH,"
                " pvc://CLAIM/PATH, or the path that status, an event or Flink shows",
                cel=f"self.matches('{_STORED}')",
                holds=lambda uri: re.search(_STORED, uri) is not None,
            ),
        ]
        | None
    ) = None
    """A savepoint or checkpoint, or the directory right above it, whose newest is taken."""

    model_stream: ObjectName | None = None
    """Another ModelStream of the namespace that is suspended or has ended: what it left."""

    newest: Flag = False
    """The newest savepoint or checkpoint of all jobs that this name ever had in state.storage;
    where there is none the job begins anew."""

    nothing: Flag = False
    """No state: the job begins anew."""

    nonce: Annotated[int, Field(strict=True, ge=0)] = 0
    """Of a stream that has begun, restoreFrom counts once for each number that is greater than all
    before: the job is stopped with a savepoint and begins with what is written here. Nothing else
    here restarts anything, so that an older manifest never takes a stream back."""


class DeletionPolicy(StrEnum):
    """What a deletion does for the state."""

    LAST_CHECKPOINT = "LastCheckpoint"
    SAVEPOINT = "Savepoint"


class Savepoints(Part):
    """Savepoints of a job that goes on, and how many are kept."""

    interval: Duration | None = None
    """How long after the last savepoint the next one is taken. Default: only spec.savepointNonce,
    and what stops the job, takes one."""

    keep: Annotated[int, Field(strict=True, ge=1, le=50)] = 10
    """How many of status.savepoints are kept: older ones are disposed of through Flink, but for
    what a run began with or left aside, and paths that a restoreFrom of the namespace names."""


def _is_mounted(state: "State") -> bool:
    path = (state.restore_from.path if state.restore_from else None) or ""
    return not path.startswith("pvc://") or path.startswith(f"{state.storage.rstrip('/')}/")


class State(Part):
    """Where checkpoints, savepoints and the data of high availability are kept."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            name="restore-path-mounted",
            message="is on a claim, of which pods mount what lies below state.storage alone: write"
            " a path below that",
            cel="!has(self.restoreFrom) || !has(self.restoreFrom.path) ||"
            " !self.restoreFrom.path.startsWith('pvc://') || self.restoreFrom.path.startsWith("
            "self.storage.endsWith('/') ? self.storage : self.storage + '/')",
            holds=_is_mounted,
            at=".restoreFrom.path",
        ),
    )

    storage: Annotated[
        Uri,
        Rule(
            name="state-storage",
            message="is not a store that every pod reaches: write s3://BUCKET/PATH or pvc://CLAIM/PATH",
            cel=f"self.matches('{_STORAGE}')",
            holds=lambda uri: re.search(_STORAGE, uri) is not None,
        ),
    ]
    """The directory: s3://BUCKET/PATH or pvc://CLAIM/PATH. It brings high availability too."""

    checkpoint_interval: Duration = "30s"
    """How often a checkpoint is taken."""

    deletion_policy: DeletionPolicy = DeletionPolicy.LAST_CHECKPOINT
    """Savepoint: a deletion stops the job with a savepoint, for which it waits two minutes at most.
    LastCheckpoint: it takes the pods away. Either way all files stay, and an event says where."""

    allow_non_restored_state: Flag = False
    """Begin although the program has no operator for a part of the state, which is lost then.
    Counts for each start: turned on it tries one again that has failed, and restarts nothing."""

    savepoints: Savepoints | None = None
    """Savepoints of a job that goes on, and how many are kept. Default: none but those on demand,
    and all of them."""

    restore_from: RestoreFrom | None = None
    """What the job begins with. Default: the first one with nothing, where no other job has left
    anything below the stream's directory, and each later one with what the one before has left."""


class UpgradeMode(StrEnum):
    """What a job starts from after a change that needs a restart."""

    SAVEPOINT = "Savepoint"
    LAST_STATE = "LastState"
    STATELESS = "Stateless"


class Upgrade(Part):
    """How a change that needs a restart is made."""

    mode: UpgradeMode | None = None
    """Savepoint: stop with a savepoint and start from it; of a job that does not run, as LastState.
    LastState: start from the newest checkpoint. Stateless: start anew. Default: Savepoint for a
    streaming job with spec.state, else Stateless."""

    rollback: Flag | None = None
    """Whether a new revision that does not work goes back by itself to the last one that did.
    Default: true for a streaming job with spec.state; without, there is nothing to go back to."""

    ready_timeout: Duration = "10m"
    """How long a new revision may take until all of its pods have nodes, and from then on to become
    Ready; fetching its models counts."""


class NetworkPolicy(Part):
    """Who may talk to the job's pods."""

    enabled: Flag = True
    """Let only the job's own pods and the operator in."""


class PodDisruptionBudget(Part):
    """Whether a node can be drained of the job's pods."""

    enabled: Flag = False
    """Let nothing evict pods that are ready: a drain of their node waits until the stream is
    suspended, has ended, or this is false."""
