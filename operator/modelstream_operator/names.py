"""Names that are API: labels, ports, paths in the pods, names of the children."""

from enum import StrEnum

from modelstream_crds.names import CONFIG_ROOT

MANAGER = "modelstream-operator"
"""Field manager of every server-side apply, and the value of the label managed-by."""

FINALIZER = "modelstream.dev/cleanup"
ANNOTATION_PREFIX = "modelstream.dev"

LABEL_NAME = "app.kubernetes.io/name"
LABEL_INSTANCE = "app.kubernetes.io/instance"
LABEL_COMPONENT = "app.kubernetes.io/component"
LABEL_MANAGED_BY = "app.kubernetes.io/managed-by"
LABEL_OWNER = "modelstream.dev/name"

ANNOTATION_APPLIED = "modelstream.dev/applied"
"""Hash of the manifest as it was applied: an equal one needs no second apply after a restart."""

ANNOTATION_JOB = "modelstream.dev/job"
"""Id of the Flink job that a pod was made for."""

ANNOTATION_CONFIG = "modelstream.dev/config"
"""Hash of what the pod reads from its ConfigMap, so that a change of it makes new pods."""


class Component(StrEnum):
    """The two roles of a Flink cluster; values of the label component."""

    JOBMANAGER = "jobmanager"
    TASKMANAGER = "taskmanager"


# Ports

JOBMANAGER_RPC_PORT = 6123
BLOB_PORT = 6124
REST_PORT = 8081
TASKMANAGER_DATA_PORT = 6121
TASKMANAGER_RPC_PORT = 6122
METRICS_PORT = 9249

# Paths in the pods that only the operator names; the job knows the rest too

CREDENTIALS_DIR = f"{CONFIG_ROOT}/credentials"
STATE_DIR = "/var/lib/modelstream/state"
FLINK_CONF_DIR = "/opt/flink-conf"
TMP_DIR = "/tmp"


def jobmanager(name: str) -> str:
    """Name of the JobManager's Deployment and of its headless Service."""
    return f"{name}-jobmanager"


def taskmanager(name: str) -> str:
    """Name of the TaskManagers' Deployment."""
    return f"{name}-taskmanager"


def rest(name: str) -> str:
    """Name of the Service in front of Flink's REST interface."""
    return f"{name}-rest"


def config(name: str) -> str:
    """Name of the ConfigMap with the manifest and Flink's options."""
    return f"{name}-config"


def account(name: str) -> str:
    """Name of the ServiceAccount, Role, RoleBinding and NetworkPolicy."""
    return f"{name}-flink"
