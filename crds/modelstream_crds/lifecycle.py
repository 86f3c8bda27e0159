"""spec.state and spec.upgrade: what survives a failure or a change."""

import re
from enum import StrEnum
from typing import Annotated, Final

from modelstream_crds.rules import Part, Rule
from modelstream_crds.scalars import Duration, Flag, Uri

_STORAGE: Final = "^(s3://.+|pvc://[a-z0-9]([-a-z0-9.]*[a-z0-9])?(/.*)?)$"


class State(Part):
    """Where checkpoints, savepoints and the data of high availability are kept."""

    storage: Annotated[
        Uri,
        Rule(
            name="state-storage",
            message="is no store that every pod reaches: write s3://BUCKET/PATH or pvc://CLAIM/PATH",
            cel=f"self.matches('{_STORAGE}')",
            holds=lambda uri: re.search(_STORAGE, uri) is not None,
        ),
    ]
    """The directory: s3://BUCKET/PATH or pvc://CLAIM/PATH. It brings high availability too."""

    checkpoint_interval: Duration = "30s"
    """How often a checkpoint is taken."""


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


class NetworkPolicy(Part):
    """Who may talk to the job's pods."""

    enabled: Flag = True
    """Let only the job's own pods and the operator in."""


class PodDisruptionBudget(Part):
    """Whether a node can be drained of the job's pods."""

    enabled: Flag = False
    """Let nothing evict pods that are ready: a drain of their node waits until the stream is
    suspended, has ended, or this is false."""
