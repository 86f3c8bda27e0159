"""What keeps a ModelStream from being ready."""

from dataclasses import dataclass
from enum import StrEnum

from modelstream_crds.v1alpha1 import ConditionType


class Reason(StrEnum):
    """Reasons that the operator finds itself; containers of ours add reasons of their own."""

    IMAGE_PULL = "ImagePullFailed"
    CRASH = "CrashLoop"
    OUT_OF_MEMORY = "OutOfMemory"
    CONTAINER_CONFIG = "ContainerConfigError"
    CONTAINER_START = "ContainerStartFailed"
    UNSCHEDULABLE = "Unschedulable"
    INSUFFICIENT_GPU = "InsufficientGpu"
    NO_MATCHING_NODE = "NoMatchingNode"
    CLAIM_NOT_FOUND = "ClaimNotFound"
    CLAIM_NOT_BOUND = "ClaimNotBound"
    CLAIM_ACCESS_MODE = "ClaimAccessMode"
    VOLUME = "VolumeNotMounted"
    SANDBOX = "SandboxFailed"
    SECRET_NOT_FOUND = "SecretNotFound"
    CONFIG_MAP_NOT_FOUND = "ConfigMapNotFound"
    QUOTA = "QuotaExceeded"
    POD_SECURITY = "PodSecurity"
    PODS_REFUSED = "PodsRefused"
    EVICTED = "Evicted"
    POD_FAILED = "PodFailed"
    POD_NOT_ENDING = "PodNotEnding"
    CHILD_REFUSED = "ChildRefused"
    IMAGE_VOLUME_UNSUPPORTED = "ImageVolumeUnsupported"


@dataclass(frozen=True)
class Problem:
    """One cause, the condition that it makes false, and what to do about it."""

    about: ConditionType
    reason: str
    message: str
