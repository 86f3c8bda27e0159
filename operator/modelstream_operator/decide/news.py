"""What is worth a Kubernetes event: what happens to state, or to a change. Pure."""

from dataclasses import dataclass
from enum import StrEnum


class EventReason(StrEnum):
    """Reasons of events about what happens to state, or to a change."""

    LAST_STATE = "LastState"
    RESTORE_FROM = "RestoreFrom"
    RESTORED = "Restored"
    BEGUN_ANEW = "BegunAnew"
    PROOF_FAILED = "ProofFailed"
    ROLLING_BACK = "RollingBack"
    ROLLED_BACK = "RolledBack"
    ROLLBACK_NEEDS_CHOICE = "RollbackNeedsChoice"
    STARTED_INSTEAD = "StartedInstead"
    STATE_KEPT = "StateKept"
    DELETED_WITHOUT_SAVEPOINT = "DeletedWithoutSavepoint"
    REMAINS_NOT_REMOVED = "RemainsNotRemoved"
    SAVEPOINT_TAKEN = "SavepointTaken"
    SAVEPOINT_NOT_TAKEN = "SavepointNotTaken"
    SAVEPOINT_NOT_DISPOSED = "SavepointNotDisposed"


@dataclass(frozen=True)
class News:
    """Worth a Kubernetes event, whatever becomes of Ready."""

    reason: EventReason
    message: str
    warns: bool = False
