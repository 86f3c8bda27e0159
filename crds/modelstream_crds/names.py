"""The names that are API: the resource, its labels, and the paths inside a pod."""

GROUP = "modelstream.dev"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"
KIND = "ModelStream"
LIST_KIND = "ModelStreamList"
PLURAL = "modelstreams"
SINGULAR = "modelstream"
SHORT_NAMES = ("mst",)
CATEGORIES = ("all",)
CRD_NAME = f"{PLURAL}.{GROUP}"

# Children carry a suffix of up to 22 characters and must stay DNS labels (63).
MAX_NAME_LENGTH = 40

# Where a pod finds what the resource names; a local run maps the same names to directories.
MODELS_ROOT = "/models"
CONFIG_ROOT = "/etc/modelstream"
MANIFEST_PATH = f"{CONFIG_ROOT}/modelstream.yaml"
SECRETS_ROOT = f"{CONFIG_ROOT}/secrets"
# One file a model: the digest that the run's first pods have found.
DIGESTS_ROOT = f"{CONFIG_ROOT}/digests"
CONFIG_MAPS_ROOT = f"{CONFIG_ROOT}/configmaps"

# Variables that the operator sets in a pod's containers, and what runs there reads.
JOB_ID = "MODELSTREAM_JOB_ID"
GPU_COUNT = "MODELSTREAM_GPU_COUNT"
# Off: nobody asks whether the GPUs are visible.
GPU_CHECK = "MODELSTREAM_GPU_CHECK"
