"""The identity of Flink's pods. It has no right at all, but with high availability: ConfigMaps."""

from typing import Any

from modelstream_operator import names
from modelstream_operator.render.target import Target
from modelstream_operator.resources import ROLE, ROLE_BINDING, SERVICE_ACCOUNT, Manifest

Rule = dict[str, Any]

_CONFIG_MAPS: Rule = {"apiGroups": [""], "resources": ["configmaps"]}


def service_account(target: Target) -> Manifest:
    """The stream's own ServiceAccount, whose token is mounted only for high availability."""
    account = names.account(target.name)
    made = target.child(SERVICE_ACCOUNT, account, automountServiceAccountToken=False)
    if stated := target.spec.flink.service_account.annotations:
        made["metadata"]["annotations"] = dict(stated)
    return made


def role(target: Target) -> Manifest:
    """Rights on the ConfigMaps of the run's high availability: leader election, pointers.

    The pods run users' Python, so that the objects are named: only what is not there yet cannot be.
    """
    known = names.high_availability(target.cluster_id, target.job_id)
    verbs = ["get", "list", "watch", "update", "patch", "delete"]
    rules = [
        {**_CONFIG_MAPS, "verbs": verbs, "resourceNames": list(known)},
        {**_CONFIG_MAPS, "verbs": ["create"]},
    ]
    return target.run_child(ROLE, names.flink(target.name, target.run), rules=rules)


def role_binding(target: Target) -> Manifest:
    """Gives the run's Role to the ServiceAccount that its pods have."""
    subject = {"kind": "ServiceAccount", "name": target.account, "namespace": target.namespace}
    name = names.flink(target.name, target.run)
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
    return target.run_child(ROLE_BINDING, name, roleRef=reference, subjects=[subject])
