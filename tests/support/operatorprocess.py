"""The operator as a process of its own in front of a control plane, and a namespace for a test."""

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.support.controlplane import ApiError, ControlPlane
from tests.support.ports import held_port

Manifest = dict[str, Any]
GROUP = "/apis/modelstream.dev/v1alpha1"


@dataclass
class Operator:
    """One process of the operator."""

    plane: ControlPlane
    log: Path
    metrics: int
    liveness: int
    variables: Mapping[str, str]
    """Settings that differ from those of all tests."""

    process: subprocess.Popen[bytes] | None = field(default=None)

    def start(self) -> None:
        environment = {
            **os.environ,
            "KUBECONFIG": str(self.plane.kubeconfig),
            "MODELSTREAM_METRICS_PORT": str(self.metrics),
            "MODELSTREAM_LIVENESS_PORT": str(self.liveness),
            "MODELSTREAM_FLINK_REST": "http://127.0.0.1:9",
            "MODELSTREAM_RETRY_REFUSED": "1",
            "MODELSTREAM_STUCK_AFTER": "3",
            # Longer than any test: what is noticed is noticed because a watch told of it, and a
            # deletion waits until its pods are gone.
            "MODELSTREAM_FLINK_POLL_BUSY": "3600",
            "MODELSTREAM_DELETE_TIMEOUT": "3600",
            **self.variables,
        }
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "modelstream_operator"],
                env=environment,
                stdout=log,
                stderr=log,
            )
        wait_until(self.is_well)

    def is_well(self) -> bool:
        """Whether its probe says so; False until there is one."""
        assert self.process is not None
        assert self.process.poll() is None, self.log.read_text()
        try:
            return self.read(self.liveness, "/healthz")[0] == 200
        except OSError:
            return False

    def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(timeout=180)

    def read(self, port: int, path: str) -> tuple[int, str]:
        """Status and text of one of its web pages."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()

    def lines(self) -> list[Manifest]:
        lines = self.log.read_text().splitlines(keepends=True)
        whole = [line for line in lines if line.endswith("\n")]  # the last one is being written
        return [json.loads(line) for line in whole if line[:1] == "{"]


@contextlib.contextmanager
def running_operator(plane: ControlPlane, log: Path, **variables: str) -> Iterator[Operator]:
    """Start one, and end it; fails when it does not end well. ``variables`` are its settings."""
    with held_port() as metrics, held_port() as liveness:
        operator = Operator(plane, log, metrics, liveness, variables)
        try:
            operator.start()
            yield operator
        finally:
            code = operator.stop()
            print(log.read_text())
    assert code == 0


@dataclass
class Space:
    """One namespace of the tests, and short words for what they do in it."""

    plane: ControlPlane
    name: str

    def path(self, plural: str, name: str = "") -> str:
        group = {
            "modelstreams": GROUP,
            "deployments": "/apis/apps/v1",
            "networkpolicies": "/apis/networking.k8s.io/v1",
            "poddisruptionbudgets": "/apis/policy/v1",
            "roles": "/apis/rbac.authorization.k8s.io/v1",
            "rolebindings": "/apis/rbac.authorization.k8s.io/v1",
        }.get(plural, "/api/v1")
        return f"{group}/namespaces/{self.name}/{plural}" + (f"/{name}" if name else "")

    def create(self, manifest: Manifest) -> Manifest:
        created: Manifest = self.plane.request("POST", self.path("modelstreams"), manifest)
        return created

    def create_is_refused(self, manifest: Manifest) -> None:
        with pytest.raises(ApiError, match="being terminated"):
            self.create(manifest)

    def get(self, plural: str, name: str) -> Manifest | None:
        try:
            found: Manifest = self.plane.request("GET", self.path(plural, name))
        except ApiError as error:
            if error.code == 404:
                return None
            raise
        return found

    def names(self, plural: str) -> list[str]:
        items = self.plane.request("GET", self.path(plural))["items"]
        return sorted(each["metadata"]["name"] for each in items)

    def patch(self, plural: str, name: str, patch: Manifest, part: str = "") -> Manifest:
        path = self.path(plural, name) + part
        kind = "application/merge-patch+json"
        patched: Manifest = self.plane.request("PATCH", path, patch, kind=kind)
        return patched

    def delete(self, plural: str, name: str) -> None:
        self.plane.request("DELETE", self.path(plural, name))

    def controllers_scale_down(self, *deployments: str) -> None:
        """What their controller writes once they ask for no pod and have none: none runs here."""
        for name in deployments:
            found = wait_until(lambda name=name: self._asks_for_none(name))
            seen = {"status": {"observedGeneration": found["metadata"]["generation"]}}
            self.patch("deployments", name, seen, part="/status")

    def _asks_for_none(self, name: str) -> Manifest | None:
        found = self.get("deployments", name)
        return found if found and found["spec"]["replicas"] == 0 else None

    def status(self, name: str) -> Manifest:
        found = self.get("modelstreams", name)
        return {} if found is None else dict(found.get("status", {}))

    def condition(self, name: str, type_: str) -> Manifest:
        conditions = self.status(name).get("conditions", ())
        return next((each for each in conditions if each["type"] == type_), {})


def wait_until(what: Callable[[], Any], seconds: float = 120.0) -> Any:
    """The first true answer; fails with the last one when the time is over."""
    deadline = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < deadline, f"still {answer!r} after {seconds} s"
        time.sleep(0.05)
    return answer


@contextlib.contextmanager
def namespace(plane: ControlPlane) -> Iterator[Space]:
    """A namespace of a test's own; what is left in it goes at the end."""
    name = f"test-{time.monotonic_ns() % 10**10}"
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    plane.request("POST", "/api/v1/namespaces", body)
    space = Space(plane, name)
    yield space
    for plural in ("pods", "modelstreams"):
        for left in space.names(plural):
            with contextlib.suppress(ApiError):
                space.delete(plural, left)
    wait_until(lambda: not space.names("modelstreams"), 240)
