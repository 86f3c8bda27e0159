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

LABEL_RUN = "modelstream.dev/run"
"""Number of the run that an object or a pod was made for."""

ANNOTATION_APPLIED = "modelstream.dev/applied"
"""Hash of the manifest as it was applied: an equal one needs no second apply after a restart."""

ANNOTATION_MEMORY = "modelstream.dev/memory"
"""What status remembers, a second time: at what the present run is made of."""

ANNOTATION_DIGESTS = "modelstream.dev/digests"
"""What the models were when a revision ran last: a way back to it begins with the same ones."""

ANNOTATION_JOB = "modelstream.dev/job"
"""Id of the Flink job that a pod was made for."""


ANNOTATION_REMAINS = "modelstream.dev/remains"
"""Ids of the jobs whose directories a pod removes."""


RunNumber = int | str
"""Number of a run; a text where it is left open."""


class Component(StrEnum):
    """What a pod is; values of the label component."""

    JOBMANAGER = "jobmanager"
    TASKMANAGER = "taskmanager"
    PROOF = "proof"
    """Proves a revision that is to run, and belongs to no Flink cluster."""
    SWEEP = "sweep"
    """Removes what ended runs left in the store."""


ROLES = (Component.JOBMANAGER, Component.TASKMANAGER)
"""The two roles of a Flink cluster."""


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


def jobmanager(name: str, run: RunNumber) -> str:
    """Name of a run's JobManager: of its Deployment and of its headless Service."""
    return f"{name}-{Component.JOBMANAGER}-{run}"


def taskmanager(name: str, run: RunNumber) -> str:
    """Name of the Deployment of a run's TaskManagers."""
    return f"{name}-{Component.TASKMANAGER}-{run}"


def proof(name: str, run: RunNumber) -> str:
    """Name of the pod that proves what a run is to be made of."""
    return f"{name}-{Component.PROOF}-{run}"


def sweep(name: str, run: RunNumber) -> str:
    """Name of the pod that removes what runs before this one left in the store."""
    return f"{name}-{Component.SWEEP}-{run}"


def config(name: str, run: RunNumber) -> str:
    """Name of the ConfigMap with the manifest and Flink's options of a run."""
    return f"{name}-config-{run}"


def digests(name: str, run: RunNumber) -> str:
    """Name of the ConfigMap with what a run's models are, once its first pods have told."""
    return f"{name}-digests-{run}"


def program(name: str, run: RunNumber) -> str:
    """Name of the ConfigMap with the program of a run, as it was when the revision was made."""
    return f"{name}-program-{run}"


def flink(name: str, run: RunNumber) -> str:
    """Name of the Role, and of its binding, that a run's high availability needs."""
    return f"{name}-flink-{run}"


def revision(name: str, revision: str) -> str:
    """Name of the ControllerRevision that keeps what runs are made of."""
    return f"{name}-{revision}"


def rest(name: str) -> str:
    """Name of the Service in front of the present run's REST interface, for people."""
    return f"{name}-rest"


def account(name: str) -> str:
    """Name of the ServiceAccount, the NetworkPolicy and the budget, which serve every run."""
    return f"{name}-flink"


def cluster_id(name: str, uid: str, run: RunNumber) -> str:
    """What Flink calls a run.

    No two runs share it, also not those of an object that was deleted and made again.
    """
    return f"{runs_of(name, uid)}{run}"


def runs_of(name: str, uid: str) -> str:
    """What Flink's names of all runs of one object begin with."""
    return f"{name}-{uid.replace('-', '')[:8]}-"


def high_availability(cluster: str, job_id: str) -> tuple[str, str]:
    """Names of the two ConfigMaps that Flink makes for a run: of its leader, of its job."""
    return f"{cluster}-cluster-config-map", f"{cluster}-{job_id}-config-map"
