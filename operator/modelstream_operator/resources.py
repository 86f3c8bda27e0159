"""The kinds that the operator touches: where the API server serves them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from modelstream_crds.names import GROUP, KIND, PLURAL, VERSION

Manifest = dict[str, Any]
"""A Kubernetes object as JSON."""


class Key(NamedTuple):
    """A ModelStream by namespace and name."""

    namespace: str
    name: str


@dataclass(frozen=True)
class Resource:
    """One kind of object."""

    api_version: str
    kind: str
    plural: str
    namespaced: bool = True

    def path(self, namespace: str | None = None, name: str | None = None) -> str:
        """URL path of the collection, or of one object."""
        root = (
            f"/apis/{self.api_version}" if "/" in self.api_version else f"/api/{self.api_version}"
        )
        inside = f"/namespaces/{namespace}" if self.namespaced and namespace else ""
        return f"{root}{inside}/{self.plural}" + (f"/{name}" if name else "")


MODELSTREAM = Resource(f"{GROUP}/{VERSION}", KIND, PLURAL)
CONFIG_MAP = Resource("v1", "ConfigMap", "configmaps")
SERVICE = Resource("v1", "Service", "services")
SERVICE_ACCOUNT = Resource("v1", "ServiceAccount", "serviceaccounts")
DEPLOYMENT = Resource("apps/v1", "Deployment", "deployments")
CONTROLLER_REVISION = Resource("apps/v1", "ControllerRevision", "controllerrevisions")
NETWORK_POLICY = Resource("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
DISRUPTION_BUDGET = Resource("policy/v1", "PodDisruptionBudget", "poddisruptionbudgets")
ROLE = Resource("rbac.authorization.k8s.io/v1", "Role", "roles")
ROLE_BINDING = Resource("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")
POD = Resource("v1", "Pod", "pods")
CLAIM = Resource("v1", "PersistentVolumeClaim", "persistentvolumeclaims")
EVENT = Resource("v1", "Event", "events")
LEASE = Resource("coordination.k8s.io/v1", "Lease", "leases")
NODE = Resource("v1", "Node", "nodes", namespaced=False)

CHILDREN = (
    CONFIG_MAP,
    SERVICE,
    SERVICE_ACCOUNT,
    DEPLOYMENT,
    CONTROLLER_REVISION,
    NETWORK_POLICY,
    DISRUPTION_BUDGET,
    ROLE,
    ROLE_BINDING,
)
"""Kinds that a ModelStream owns, and that the operator applies and deletes."""

_BY_KIND = {each.kind: each for each in (MODELSTREAM, *CHILDREN, POD, CLAIM, EVENT, LEASE, NODE)}


@dataclass(frozen=True, order=True)
class Ref:
    """Which object: kind, namespace and name."""

    kind: str
    namespace: str
    name: str

    @property
    def resource(self) -> Resource:
        """The kind's place in the API."""
        return _BY_KIND[self.kind]

    @classmethod
    def of(cls, manifest: Mapping[str, Any]) -> "Ref":
        """The reference to a manifest."""
        meta = manifest["metadata"]
        return cls(manifest["kind"], meta.get("namespace", ""), meta["name"])

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


def owner_reference(stream: Manifest) -> dict[str, Any]:
    """What says in an object's metadata that it goes with a ModelStream."""
    meta = stream["metadata"]
    return {
        "apiVersion": MODELSTREAM.api_version,
        "kind": MODELSTREAM.kind,
        "name": meta["name"],
        "uid": meta["uid"],
    }
