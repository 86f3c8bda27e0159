"""Why a container of a pod ends, as far as the operator or a person tells the causes apart."""

from enum import StrEnum


class PodReason(StrEnum):
    """The word before the colon in a termination message; containers have others too."""

    DIGEST_MISMATCH = "DigestMismatch"
    FETCH_FAILED = "FetchFailed"
    MODEL_NOT_FOUND = "ModelNotFound"
    MODELS_DIFFER = "ModelsDiffer"
    """A model has other contents than the first pods of the run found."""
    GPU_NOT_VISIBLE = "GpuNotVisible"
    JOB_ENDED = "JobEnded"
    """The job of this JobManager has ended before: how, and what it left."""
    STATE_MISSING = "StateMissing"
    """There is no state where some has to be."""
    STATE_FOUND = "StateFound"
    """There is state of which nobody has said what becomes of it."""
    STATE_UNREACHABLE = "StateUnreachable"
    """The store in which to look does not answer."""
