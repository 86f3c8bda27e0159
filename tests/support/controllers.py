"""What makes pods of Deployments: Kubernetes' own controllers, and a kubelet in a few lines.

The controllers are the real ones, so that what a Deployment, its ReplicaSets and the garbage
collector leave behind is what they leave behind in a cluster. The kubelet runs no container: its
pods are ready at once, and gone as soon as somebody deletes them.
"""

import contextlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.controlplane import ApiError, ControlPlane
from tests.support.controlplane_binaries import controller_manager

from modelstream_operator.names import Component

CONTROLLERS = ("deployment", "replicaset", "garbage-collector", "namespace")
NODE = "node-1"
_POLL = 0.1
_MERGE = "application/merge-patch+json"
DIGEST = "sha256:" + "0" * 64

Manifest = dict[str, Any]


@contextlib.contextmanager
def controllers(plane: ControlPlane) -> Iterator[None]:
    """Kubernetes' controllers of pods and of owned objects, until the block ends."""
    names = ",".join(f"{each}-controller" for each in CONTROLLERS)
    command = [
        str(controller_manager()),
        f"--kubeconfig={plane.kubeconfig}",
        f"--controllers={names}",
        "--leader-elect=false",
        "--secure-port=0",
        "--concurrent-gc-syncs=5",
    ]
    with (plane.directory / "kube-controller-manager.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=plane.directory)
    try:
        yield
        assert process.poll() is None, plane.last_words()
    finally:
        process.kill()
        process.wait()


@dataclass
class Kubelet:
    """Runs all pods on one node, as far as the API server shows it."""

    plane: ControlPlane
    holds_back: Callable[[Manifest], bool] = lambda pod: False
    """Pods that get no node: for want of memory, say."""

    digest: Callable[[Manifest], str] = lambda pod: DIGEST
    """What a pod finds its model to be."""

    proves: Callable[[Manifest], str] = lambda pod: ""
    """The last words of a pod that is to prove something; empty of one that succeeds."""

    _stopped: threading.Event = field(default_factory=threading.Event)

    @contextlib.contextmanager
    def running(self) -> Iterator["Kubelet"]:
        """Look after the pods until the block ends."""
        thread = threading.Thread(target=self._serve, name="kubelet")
        thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            thread.join()

    def pods(self, namespace: str = "", component: str | None = None) -> list[Manifest]:
        """The pods, of one namespace and role or of all."""
        path = f"/api/v1/namespaces/{namespace}/pods" if namespace else "/api/v1/pods"
        items: list[Manifest] = self.plane.request("GET", path)["items"]
        return [each for each in items if component in (None, role(each))]

    def evict(self, pod: Manifest) -> None:
        """What a kubelet writes of a pod that its node has no room for; the object stays."""
        status = {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."}
        ended = [{**each, "status": "False"} for each in pod["status"]["conditions"]]
        self._patch(pod, {"status": {**status, "conditions": ended}})

    def _serve(self) -> None:
        while not self._stopped.wait(_POLL):
            for pod in self.pods():
                with contextlib.suppress(ApiError):  # it has changed or gone in the meantime
                    self._look_after(pod)

    def _look_after(self, pod: Manifest) -> None:
        meta, status = pod["metadata"], pod["status"]
        if "deletionTimestamp" in meta:
            options = {"gracePeriodSeconds": 0, "preconditions": {"uid": meta["uid"]}}
            self.plane.request("DELETE", _path(pod), options)
        elif not pod["spec"].get("nodeName"):
            if not self.holds_back(pod):
                self._bind(pod)
        elif status["phase"] == "Pending":
            proves = role(pod) == Component.PROOF
            status = proven(pod, self.proves(pod)) if proves else ready(pod, self.digest(pod))
            self._patch(pod, {"status": status})

    def _bind(self, pod: Manifest) -> None:
        binding = {
            "apiVersion": "v1",
            "kind": "Binding",
            "metadata": {"name": pod["metadata"]["name"]},
            "target": {"apiVersion": "v1", "kind": "Node", "name": NODE},
        }
        self.plane.request("POST", _path(pod) + "/binding", binding)

    def _patch(self, pod: Manifest, patch: Manifest) -> None:
        path = _path(pod) + "/status"
        self.plane.request("PATCH", path, patch, kind=_MERGE)


def _path(pod: Manifest) -> str:
    meta = pod["metadata"]
    return f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"


def add_node(plane: ControlPlane) -> None:
    """The node that the pods are on."""
    node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": NODE}}
    with contextlib.suppress(ApiError):  # it is there
        plane.request("POST", "/api/v1/nodes", node)


def role(pod: Manifest) -> str:
    """What a pod is."""
    return str(pod["metadata"]["labels"].get("app.kubernetes.io/component", ""))


def ready(pod: Manifest, digest: str = DIGEST) -> Manifest:
    """The status of a pod whose models are verified and whose containers run."""
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    kinds = ("PodScheduled", "Initialized", "ContainersReady", "Ready")
    running = {"running": {"startedAt": now}}
    inits = [(each, _ended(each, now, digest)) for each in pod["spec"].get("initContainers", ())]
    return {
        "phase": "Running",
        "startTime": now,
        "podIP": "127.0.0.1",
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": now} for kind in kinds
        ],
        "initContainerStatuses": [_status(each, ended, pod) for each, ended in inits],
        "containerStatuses": [_status(each, running, pod) for each in pod["spec"]["containers"]],
    }


def proven(pod: Manifest, words: str) -> Manifest:
    """The status of a pod whose main container has ended, with its last words if it failed."""
    status = ready(pod)
    (main,) = status["containerStatuses"]
    ended = {"exitCode": 1 if words else 0, "reason": "Error" if words else "Completed"}
    times = {"startedAt": status["startTime"], "finishedAt": status["startTime"]}
    state = {"terminated": {**ended, **times, "message": words}}
    over = [{**each, "status": "False"} for each in status["conditions"] if "Ready" in each["type"]]
    return {
        **status,
        "phase": "Failed" if words else "Succeeded",
        "conditions": [*status["conditions"][:2], *over],
        "containerStatuses": [{**main, "ready": False, "started": False, "state": state}],
    }


def _ended(container: Mapping[str, Any], now: str, digest: str) -> Manifest:
    """How an init container ended; ``verify`` tells of the model of the tests."""
    models = [{"name": "half", "digest": digest, "signatures": ["serving_default"]}]
    message = json.dumps({"models": models}) if container["name"] == "verify" else ""
    return {
        "terminated": {
            "exitCode": 0,
            "reason": "Completed",
            "message": message,
            "startedAt": now,
            "finishedAt": now,
        }
    }


def _status(container: Mapping[str, Any], state: Manifest, pod: Manifest) -> Manifest:
    return {
        "name": container["name"],
        "image": container.get("image", ""),
        "imageID": "",
        "containerID": f"containerd://{pod['metadata']['uid']}",
        "ready": True,
        "started": True,
        "restartCount": 0,
        "state": state,
    }
