"""The operator works with the rights that the chart grants, and none of them is on Secrets."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.controlplane import ControlPlane

from modelstream_crds.crd import custom_resource_definition

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


def grant(plane: ControlPlane) -> str:
    """A ServiceAccount with those rules; returns its token."""
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "operator"}}
    plane.request("POST", "/api/v1/namespaces/default/serviceaccounts", account)
    api = "rbac.authorization.k8s.io"
    role = {"apiVersion": f"{api}/v1", "kind": "Role", "metadata": {"name": "operator"}}
    plane.request("POST", f"{RBAC}/namespaces/default/roles", {**role, "rules": granted()})
    binding = {
        **role,
        "kind": "RoleBinding",
        "roleRef": {"apiGroup": api, "kind": "Role", "name": "operator"},
        "subjects": [{"kind": "ServiceAccount", "name": "operator", "namespace": "default"}],
    }
    plane.request("POST", f"{RBAC}/namespaces/default/rolebindings", binding)
    path = "/api/v1/namespaces/default/serviceaccounts/operator/token"
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
    return str(plane.request("POST", path, request)["status"]["token"])


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("rights") / "log"


@pytest.fixture(scope="module")
def limited(log: Path) -> Iterator[ControlPlane]:
    """A control plane with an operator that serves one namespace by its token alone."""
    with ControlPlane.start() as plane:
        plane.install_crd(custom_resource_definition())
        config = yaml.safe_load(plane.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": grant(plane)}
        kubeconfig = log.with_name("kubeconfig")
        kubeconfig.write_text(yaml.safe_dump(config))
        environment = {
            **os.environ,
            "KUBECONFIG": str(kubeconfig),
            "MODELSTREAM_NAMESPACES": "default",
            "MODELSTREAM_METRICS_PORT": "0",
            "MODELSTREAM_LIVENESS_PORT": "0",
        }
        with log.open("wb") as output:
            command = [sys.executable, "-m", "modelstream_operator"]
            process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
            try:
                yield plane
            finally:
                process.terminate()
                process.wait(60)


def test_the_chart_grants_enough_for_a_whole_life(
    limited: ControlPlane, log: Path, scores: Any, until: Any
) -> None:
    def children() -> set[str]:
        kinds = ["/api/v1/namespaces/default/configmaps", f"{RBAC}/namespaces/default/roles"]
        kinds += [f"{RBAC}/namespaces/default/rolebindings", deployments]
        kinds += ["/apis/networking.k8s.io/v1/namespaces/default/networkpolicies"]
        found = [each for kind in kinds for each in limited.request("GET", kind)["items"]]
        return {each["metadata"]["name"] for each in found}

    deployments = "/apis/apps/v1/namespaces/default/deployments"
    scores["spec"]["state"] = {"storage": "s3://bucket/jobs"}
    limited.request("POST", STREAMS, scores)
    wanted = {"scores-config", "scores-flink", "scores-jobmanager", "scores-taskmanager"}
    until(lambda: wanted <= children())
    until(lambda: limited.request("GET", f"{STREAMS}/scores").get("status"))
    edit = {"spec": {"suspend": True, "networkPolicy": {"enabled": False}}}
    merge = "application/merge-patch+json"
    limited.request("PATCH", f"{STREAMS}/scores", edit, kind=merge)
    asked = f"{deployments}/scores-taskmanager"
    until(lambda: limited.request("GET", asked)["spec"]["replicas"] == 0)
    limited.request("DELETE", f"{STREAMS}/scores")
    until(lambda: not limited.request("GET", STREAMS)["items"])
    forbidden = [line for line in log.read_text().splitlines() if "forbidden" in line]
    assert [line for line in forbidden if "nodes" not in line] == []


def test_no_right_is_on_secrets() -> None:
    assert not [rule for rule in granted() if {"secrets", "*"} & set(rule["resources"])]


def test_no_right_is_a_wildcard() -> None:
    assert not [rule for rule in granted() if "*" in rule["verbs"] + rule["apiGroups"]]
