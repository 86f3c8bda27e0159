"""How a pod's memory limit is split between the JVM and Python with TensorFlow.

The kernel knows one limit for the container; Flink fills its share from the start, Python and
TensorFlow need the rest for the model and its batches. Both sides get a share that is written
down, so that an out-of-memory kill can name the side that must be raised.

TaskManager: the JVM gets two fifths, at least 1280 MiB and at most 6 GiB; Python gets the rest, at
least 512 MiB. JobManager: Python, which only builds the job there, gets a quarter, at least 512 MiB
and at most 1 GiB; the JVM gets the rest, at least 1 GiB.
"""

from dataclasses import dataclass

from modelstream_crds.quantities import quantity
from modelstream_crds.v1alpha1 import Resources

MEBI = 1024 * 1024

JOBMANAGER_DEFAULT = "2Gi"
TASKMANAGER_DEFAULT = "4Gi"
JVM_LEAST = 1280
JVM_MOST = 6 * 1024
PYTHON_LEAST = 512
CLIENT_MOST = 1024
JOBMANAGER_JVM_LEAST = 1024


@dataclass(frozen=True)
class Split:
    """A memory limit and its two shares, in MiB."""

    limit: int
    jvm: int
    python: int


def limit(resources: Resources, default: str) -> str:
    """The memory limit of a pod as the resource spells it."""
    return resources.limits.get("memory") or resources.requests.get("memory") or default


def taskmanager(resources: Resources) -> Split:
    """The TaskManager's split; Python's share is negative where the limit is too small."""
    whole = quantity(limit(resources, TASKMANAGER_DEFAULT)) // MEBI
    jvm = min(max(whole * 2 // 5, JVM_LEAST), JVM_MOST)
    return Split(whole, jvm, whole - jvm)


def jobmanager(resources: Resources) -> Split:
    """The JobManager's split."""
    whole = quantity(limit(resources, JOBMANAGER_DEFAULT)) // MEBI
    python = min(max(whole // 4, PYTHON_LEAST), CLIENT_MOST)
    return Split(whole, whole - python, python)


def too_small(split: Split, least_jvm: int) -> bool:
    """Whether one of the sides cannot work with its share."""
    return split.jvm < least_jvm or split.python < PYTHON_LEAST
