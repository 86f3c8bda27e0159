"""The identity of Flink's pods. It has no right at all, but with high availability: ConfigMaps."""

from modelstream_operator import names
from modelstream_operator.render.target import Target
from modelstream_operator.resources import ROLE, ROLE_BINDING, SERVICE_ACCOUNT, Manifest

RULES = [
    {
        "apiGroups": [""],
        "resources": ["configmaps"],
        "verbs": ["get", "list", "watch", "create", "update", "patch", "delete"],
    }
]
"""What Flink's leader election and its pointers to checkpoints need."""


def service_account(target: Target) -> Manifest:
    """The pods' ServiceAccount, whose token is mounted only for high availability."""
    return target.child(
        SERVICE_ACCOUNT, names.account(target.name), automountServiceAccountToken=False
    )


def role(target: Target) -> Manifest:
    """Rights on ConfigMaps of the namespace."""
    return target.child(ROLE, names.account(target.name), rules=RULES)


def role_binding(target: Target) -> Manifest:
    """Gives the Role to the ServiceAccount."""
    name = names.account(target.name)
    subject = {"kind": "ServiceAccount", "name": name, "namespace": target.namespace}
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    return target.child(ROLE_BINDING, name, roleRef=reference, subjects=[subject])
