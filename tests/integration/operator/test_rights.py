"""The operator works with the rights that the chart grants, and none of them is on Secrets."""

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.controlplane import ControlPlane

from modelstream_crds.crd import custom_resource_definition
from modelstream_operator.resources import CHILDREN

pytestmark = pytest.mark.apiserver

HELPERS = Path(__file__).parents[3] / "helm" / "modelstream" / "templates" / "_helpers.tpl"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
STREAMS = "/apis/modelstream.dev/v1alpha1/namespaces/default/modelstreams"


def granted() -> list[dict[str, Any]]:
    """The rules that the chart puts into every Role of the operator."""
    text = HELPERS.read_text().split('define "modelstream.rules"', 1)[1]
    body = text.split("-}}", 1)[1].split("{{-", 1)[0]
    rules: list[dict[str, Any]] = yaml.safe_load(body)
    return rules


NODES = {"apiGroups": [""], "resources": ["nodes"], "verbs": ["list", "watch"]}
"""The chart's rule for nodes, a ClusterRole of its own."""


def leases(name: str) -> list[dict[str, Any]]:
    """The chart's rules for the Lease that an operator holds."""
    where = {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"]}
    return [{**where, "verbs": ["create"]}, {**where, "resourceNames": [name], "verbs": HOLDING}]


HOLDING = ["get", "update"]
OTHERS_LEASES = {
    "apiGroups": ["coordination.k8s.io"],
    "resources": ["leases"],
    "resourceNames": ["modelstream-operator"],
    "verbs": ["list", "watch"],
}
"""The chart's rule for the Leases of others, where an operator serves all namespaces."""

GIVEN_ON = {("configmaps", verb) for verb in ("get", "create", "update", "patch", "delete")}
"""What Flink's high availability gets: Kubernetes lets nobody give what he has not."""
ADMISSION = {("modelstreams/finalizers", "update")}
"""Asked for by the admission plugin OwnerReferencesPermissionEnforcement, which is off here."""
PRUNING = {
    *(("services", "delete"), ("serviceaccounts", "delete"), ("controllerrevisions", "delete")),
    *(("roles", "delete"), ("rolebindings", "delete")),
}
"""A restart deletes those of the run before, and a version that names one anew the old one; in this
life none leaves the plan."""
STRANGERS = {("pods", "delete")}
"""Those that have other models than the run: none runs here."""
PROOFS = {("pods", "create"), ("pods", "delete")}
"""The pod that proves a change of a job that runs: none runs here."""
CONFLICTS = {("modelstreams", "get")}
"""Asked for where somebody else has written at the same time."""
POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: Metadata
  users: ["system:serviceaccount:default:operator"]
- level: None
"""


def rights(scope: str) -> list[dict[str, Any]]:
    """All rules of an operator of this scope."""
    if scope == "Cluster":
        return [*granted(), NODES, OTHERS_LEASES, *leases("modelstream-cluster")]
    return [*granted(), *leases("modelstream-operator")]


def grant(plane: ControlPlane, scope: str) -> str:
    """A ServiceAccount with those rules in its namespace or everywhere; returns its token."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "operator"}}
    plane.request("POST", "/api/v1/namespaces/default/serviceaccounts", account)
    api, where = "rbac.authorization.k8s.io", f"{RBAC}/namespaces/default/"
    prefix, place = ("Cluster", f"{RBAC}/cluster") if scope == "Cluster" else ("", where)
    rules = rights(scope)
    role = {"apiVersion": f"{api}/v1", "kind": f"{prefix}Role", "metadata": {"name": "operator"}}
    plane.request("POST", f"{place}roles", {**role, "rules": rules})
    binding = {
        **role,
        "kind": f"{prefix}RoleBinding",
        "roleRef": {"apiGroup": api, "kind": f"{prefix}Role", "name": "operator"},
        "subjects": [{"kind": "ServiceAccount", "name": "operator", "namespace": "default"}],
    }
    plane.request("POST", f"{place}rolebindings", binding)
    path = "/api/v1/namespaces/default/serviceaccounts/operator/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    return str(plane.request("POST", path, request)["status"]["token"])


def is_granted(plane: ControlPlane) -> bool:
    """Whether the API server goes by those rules: it does a moment after they were written."""
    about = {"namespace": "default", "group": "modelstream.dev", "resource": "modelstreams"}
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "spec": {
            "user": "system:serviceaccount:default:operator",
            "resourceAttributes": {**about, "verb": "list"},
        },
    }
    path = "/apis/authorization.k8s.io/v1/subjectaccessreviews"
    return bool(plane.request("POST", path, review)["status"]["allowed"])


@dataclass(frozen=True)
class Limited:
    """An operator that has a token and nothing else, and what the API server wrote down of it."""

    plane: ControlPlane
    scope: str
    log: Path
    audit: Path

    def used(self) -> set[tuple[str, str]]:
        """(resource, verb) of every request that was let through."""
        found = set()
        for line in self.audit.read_text().splitlines(keepends=True):
            if not line.endswith("\n"):
                continue  # it is being written
            entry = json.loads(line)
            about = entry.get("objectRef", {})
            if entry.get("responseStatus", {}).get("code") == 403 or "resource" not in about:
                continue
            name = "/".join(filter(None, (about["resource"], about.get("subresource"))))
            found.add((name, entry["verb"]))
        # A server-side apply of an object that is not there asks for both.
        applied = {name for name, verb in found if verb == "patch" and name in APPLIED}
        return found | {(name, "create") for name in applied}


APPLIED = {each.plural for each in CHILDREN}


@pytest.fixture(scope="module", params=["Namespaces", "Cluster"])
def limited(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, until: Any
) -> Iterator[Limited]:
    """A control plane with an operator that has a token alone.

    It serves all namespaces; or two, of which one is gone with its Role, which must not hold up
    the other.
    """
    directory = tmp_path_factory.mktemp("rights")
    policy, audit, log = (directory / name for name in ("policy.yaml", "audit", "log"))
    policy.write_text(POLICY)
    flags = (f"--audit-policy-file={policy}", f"--audit-log-path={audit}")
    with ControlPlane.start(None, *flags) as plane:
        plane.install_crd(custom_resource_definition())
        config = yaml.safe_load(plane.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": grant(plane, request.param)}
        until(lambda: is_granted(plane))
        kubeconfig = directory / "kubeconfig"
        kubeconfig.write_text(yaml.safe_dump(config))
        environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig),
            "MODELSTREAM_NAMESPACES": "default,gone" if request.param == "Namespaces" else "",
            "MODELSTREAM_NODES": str(request.param == "Cluster"),
            "MODELSTREAM_LEASE_DURATION": "3",
            "MODELSTREAM_METRICS_PORT": "0",
            "MODELSTREAM_LIVENESS_PORT": "0",
        }
        with log.open("wb") as output:
            command = [sys.executable, "-m", "modelstream_operator"]
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
            try:
                yield Limited(plane, request.param, log, audit)
            finally:
                process.terminate()
                process.wait(180)


def test_the_chart_grants_what_a_whole_life_needs_and_nothing_else(
    limited: Limited, scores: Any, until: Any
) -> None:
    plane = limited.plane

    def children() -> set[str]:
        kinds = ["/api/v1/namespaces/default/configmaps", f"{RBAC}/namespaces/default/roles"]
        kinds += [f"{RBAC}/namespaces/default/rolebindings", deployments]
        kinds += ["/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"]
        kinds += ["/apis/policy/v1/namespaces/default/poddisruptionbudgets"]
        found = [each for kind in kinds for each in plane.request("GET", kind)["items"]]
        return {f"{each['metadata']['name']}" for each in found}

    deployments = "/apis/apps/v1/namespaces/default/deployments"
    scores["spec"]["state"] = {"storage": "s3://bucket/jobs"}
    scores["spec"]["podDisruptionBudget"] = {"enabled": True}
    plane.request("POST", STREAMS, scores)
    wanted = {"scores-config-1", "scores-flink", "scores-jobmanager-1", "scores-taskmanager-1"}
    until(lambda: wanted <= children())
    until(lambda: plane.request("GET", f"{STREAMS}/scores").get("status"))
    # The policy and the budget leave the plan.
    off = {"enabled": False}
    edit = {"spec": {"suspend": True, "networkPolicy": off, "podDisruptionBudget": off}}
    merge = "application/merge-patch+json"
    plane.request("PATCH", f"{STREAMS}/scores", edit, kind=merge)
    asked = f"{deployments}/scores-taskmanager-1"
    until(lambda: plane.request("GET", asked)["spec"]["replicas"] == 0)
    until(lambda: "scores-flink" not in children())
    plane.request("DELETE", f"{STREAMS}/scores")
    until(lambda: not plane.request("GET", STREAMS)["items"])
    forbidden = [line for line in limited.log.read_text().splitlines() if "forbidden" in line]
    assert [line for line in forbidden if "gone" not in line] == []
    given = pairs(rights(limited.scope))
    unasked = GIVEN_ON | ADMISSION | PRUNING | STRANGERS | PROOFS | CONFLICTS
    with contextlib.suppress(AssertionError):  # events are posted beside the passes
        until(lambda: given - unasked <= limited.used(), 60)
    assert limited.used() | unasked == given


def pairs(rules: list[dict[str, Any]]) -> set[tuple[str, str]]:
    return {(name, verb) for rule in rules for name in rule["resources"] for verb in rule["verbs"]}


def test_no_right_is_on_secrets() -> None:
    assert not [rule for rule in granted() if {"secrets", "*"} & set(rule["resources"])]


def test_no_right_is_a_wildcard() -> None:
    assert not [rule for rule in granted() if "*" in rule["verbs"] + rule["apiGroups"]]
