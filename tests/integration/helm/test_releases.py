"""Releases beside each other and one after the other, against a real API server."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.controlplane import ApiError, ControlPlane
from tests.support.helm import helm

pytestmark = pytest.mark.apiserver

CHART = Path(__file__).parents[3] / "helm" / "modelstream"
SCRIPT = CHART / "files" / "uninstall.py"
DEFINITION = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/modelstreams.modelstream.dev"
STREAMS = "/apis/modelstream.dev/v1alpha1"
NARROW = "--set=scope=Namespace"
SECOND = "--set=crd.install=false"
Run = subprocess.CompletedProcess[str]


@pytest.fixture
def plane() -> Iterator[ControlPlane]:
    with ControlPlane.start() as plane:
        yield plane


@pytest.fixture
def release(plane: ControlPlane, tmp_path: Path) -> Callable[..., Run]:
    """Call helm as the administrator: ``release("install", "name", "namespace", …)``."""
    environment = {
        **os.environ,
        "KUBECONFIG": str(plane.kubeconfig),
        **{f"HELM_{each}_HOME": str(tmp_path / each) for each in ("CACHE", "CONFIG", "DATA")},
    }

    def call(verb: str, name: str, namespace: str, *more: str) -> Run:
        chart = [] if verb == "uninstall" else [str(CHART), "--create-namespace"]
        command = [str(helm()), verb, name, *chart, f"--namespace={namespace}", *more]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    return call


def done(run: Run) -> None:
    assert run.returncode == 0, run.stderr


def names(plane: ControlPlane, path: str) -> set[str]:
    return {each["metadata"]["name"] for each in plane.request("GET", path)["items"]}


def test_releases_of_one_name_in_two_namespaces_stand_beside_each_other(
    plane: ControlPlane, release: Callable[..., Run]
) -> None:
    done(release("install", "ms", "a", NARROW))
    refused = release("install", "ms", "b", NARROW)
    done(release("install", "ms", "c", NARROW, SECOND))
    done(release("uninstall", "ms", "a", "--no-hooks"))

    assert "invalid ownership metadata" in refused.stderr
    assert names(plane, "/apis/apps/v1/deployments") == {"ms-modelstream"}
    roles = names(plane, "/apis/rbac.authorization.k8s.io/v1/clusterroles")
    assert {each for each in roles if "modelstream" in each} == {"c:ms-modelstream-operator-nodes"}
    assert plane.request("GET", DEFINITION), "it is kept"


def test_a_definition_that_stayed_behind_is_taken_over_with_its_streams(
    plane: ControlPlane, release: Callable[..., Run]
) -> None:
    done(release("install", "old", "a"))
    create(plane, "default")
    upgrade = release("upgrade", "old", "a")
    done(release("uninstall", "old", "a", "--no-hooks"))

    refused = release("install", "new", "b")
    done(release("install", "new", "b", "--take-ownership"))

    assert "Streams of version 0.1 are not carried over" in upgrade.stdout
    assert 'current value is "old"' in refused.stderr
    annotations = plane.request("GET", DEFINITION)["metadata"]["annotations"]
    assert annotations["meta.helm.sh/release-name"] == "new"
    assert names(plane, f"{STREAMS}/modelstreams") == {"scores"}


def test_the_hook_refuses_while_a_stream_exists_with_the_rights_that_it_has(
    plane: ControlPlane, release: Callable[..., Run], tmp_path: Path
) -> None:
    done(release("install", "ms", "a", NARROW, "--set=crd.keep=false"))
    create(plane, "default")
    hook = Hook(plane, tmp_path, "a", "ms-modelstream")

    elsewhere = hook.run("a")
    everywhere = hook.run("")
    forbidden = Hook(plane, tmp_path, "default", "nobody").run("a")
    stream = f"{STREAMS}/namespaces/default/modelstreams/scores"
    finalizers = {"metadata": {"finalizers": ["modelstream.dev/operator"]}}
    plane.request("PATCH", stream, finalizers, kind="application/merge-patch+json")
    plane.request("DELETE", stream)
    leaving = hook.run("")

    assert (elsewhere.returncode, elsewhere.stdout) == (0, "")
    assert everywhere.returncode == 1
    assert "default/scores is still there" in everywhere.stdout
    assert leaving.stdout == everywhere.stdout, "its operator is still needed"
    assert forbidden.returncode == 1
    assert "--no-hooks" in forbidden.stdout


def create(plane: ControlPlane, namespace: str) -> None:
    """A ModelStream; its definition is served a moment after Helm has written it."""
    manifest = {
        "apiVersion": "modelstream.dev/v1alpha1",
        "kind": "ModelStream",
        "metadata": {"name": "scores"},
        "spec": {"python": {"script": "/opt/job.py"}},
    }
    deadline = time.monotonic() + 60
    while True:
        try:
            plane.request("POST", f"{STREAMS}/namespaces/{namespace}/modelstreams", manifest)
        except ApiError as error:
            if error.code != 404 or time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


class Hook:
    """The hook's script as its pod runs it: an account's token, and the address of the server."""

    def __init__(self, plane: ControlPlane, directory: Path, namespace: str, account: str) -> None:
        self.url = plane.url
        self.place = directory / f"{namespace}-{account}"
        self.place.mkdir()
        accounts = f"/api/v1/namespaces/{namespace}/serviceaccounts"
        if account == "nobody":
            plane.request("POST", accounts, {"metadata": {"name": account}})
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        token = plane.request("POST", f"{accounts}/{account}/token", request)["status"]["token"]
        (self.place / "token").write_text(token)
        (self.place / "ca.crt").write_bytes((plane.directory / "ca.crt").read_bytes())

    def run(self, namespaces: str) -> Run:
        script = SCRIPT.read_text().replace(
            "/var/run/secrets/kubernetes.io/serviceaccount", str(self.place)
        )
        host, _, port = self.url.removeprefix("https://").partition(":")
        environment = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
        command = [sys.executable, "-c", script, namespaces]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
