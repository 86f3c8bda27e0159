"""A Kubernetes control plane for tests and bench: etcd and kube-apiserver, nothing else.

No kubelet, no scheduler, no controllers: what is applied stays as it is, until somebody changes
it. Each control plane has its own ports, certificates and directory, so that several run at once.

    with ControlPlane.start() as plane:
        plane.apply(custom_resource_definition())
        plane.request("GET", "/apis")
"""

import contextlib
import json
import os
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from tests.support.controlplane_binaries import Binaries, find
from tests.support.controlplane_certificates import Certificates
from tests.support.ports import held_port

START_TIMEOUT = 180.0
_POLL = 0.05


class ApiError(Exception):
    """The API server said no; ``status`` is its Status object."""

    def __init__(self, code: int, status: dict[str, Any]) -> None:
        super().__init__(f"{code}: {status.get('message', status)}")
        self.code = code
        self.status = status

    @property
    def message(self) -> str:
        """What it says to a person."""
        return str(self.status.get("message", ""))


@dataclass(frozen=True)
class Ports:
    """Of etcd for its clients and its peers, and of the API server."""

    client: int
    peer: int
    secure: int


@dataclass
class ControlPlane:
    """A running API server, and the way to talk to it as its administrator."""

    directory: Path
    url: str
    kubeconfig: Path
    kubectl: Path | None
    _tls: ssl.SSLContext = field(repr=False)
    _processes: list[subprocess.Popen[bytes]] = field(repr=False)

    @classmethod
    @contextlib.contextmanager
    def start(cls, binaries: Binaries | None = None, *flags: str) -> "Iterator[ControlPlane]":
        """Start one, and end it with its processes and its directory."""
        binaries = binaries or find()
        directory = Path(tempfile.mkdtemp(prefix="controlplane-"))
        processes: list[subprocess.Popen[bytes]] = []
        try:
            with held_port() as client, held_port() as peer, held_port() as secure:
                ports = Ports(client, peer, secure)
                plane = _start(binaries, directory, processes, ports, flags)
                plane.wait_until_ready()
                yield plane
        finally:
            _end(processes)
            shutil.rmtree(directory, ignore_errors=True)

    @property
    def pids(self) -> tuple[int, ...]:
        """The ids of etcd and the API server, in this order."""
        return tuple(process.pid for process in self._processes)

    def request(
        self, method: str, path: str, body: Any = None, *, kind: str = "application/json"
    ) -> Any:
        """Call the API server.

        Raises:
            ApiError: it answers with an error.
        """
        return json.loads(self._call(method, path, body, kind))

    def _call(self, method: str, path: str, body: Any, kind: str) -> bytes:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, method=method)
        request.add_header("Content-Type", kind)
        request.add_header("Accept", "application/json")
        try:
            with urllib.request.urlopen(request, context=self._tls, timeout=90) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise ApiError(error.code, _status(error.read())) from None

    def server_side_apply(self, path: str, body: Any, **parameters: str) -> Any:
        """Apply ``body`` at ``path`` as the field manager of the tests."""
        query = {"fieldManager": "tests", "fieldValidation": "Strict", **parameters}
        text = "&".join(f"{key}={value}" for key, value in query.items())
        return self.request("PATCH", f"{path}?{text}", body, kind="application/apply-patch+yaml")

    def install_crd(self, definition: dict[str, Any], timeout: float = 120.0) -> None:
        """Install a CustomResourceDefinition; wait until its objects are served and described."""
        root = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
        name = definition["metadata"]["name"]
        self.server_side_apply(f"{root}/{name}", definition, force="true")
        deadline = time.monotonic() + timeout
        while not _established(self.request("GET", f"{root}/{name}")):
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} is not established after {timeout} s")
            time.sleep(_POLL)
        self._wait_for_served(definition["spec"], deadline)
        while not self._describes(definition["spec"]):  # what kubectl explains comes after that
            if time.monotonic() > deadline:
                raise TimeoutError(f"{name} is not described after {timeout} s")
            time.sleep(_POLL)

    def run_kubectl(
        self, *arguments: str, stdin: str | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator; the caller looks at the exit code."""
        if self.kubectl is None:
            raise FileNotFoundError("kubectl is neither beside kube-apiserver nor on PATH")
        return subprocess.run(
            [self.kubectl, "--kubeconfig", str(self.kubeconfig), *arguments],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
            env={**os.environ, "HOME": str(self.directory)},
        )

    def wait_until_ready(self) -> None:
        """Wait until the API server serves, and the namespace default is there.

        Raises:
            RuntimeError: a process ended, or it takes too long; says what it wrote last.
        """
        deadline = time.monotonic() + START_TIMEOUT
        while True:
            try:
                self._call("GET", "/readyz", None, "text/plain")
                break
            except (OSError, ApiError):
                pass
            ended = [p for p in self._processes if p.poll() is not None]
            if ended or time.monotonic() > deadline:
                raise RuntimeError(f"the control plane did not start: {self.last_words()}")
            time.sleep(_POLL)
        self._ensure_default_namespace()

    def restart_api_server(self) -> None:
        """Kill the API server, which breaks every connection, and start it anew as it was."""
        killed = self._processes.pop()
        killed.kill()
        killed.wait()
        assert isinstance(killed.args, list)
        self._processes.append(_run(self.directory, "kube-apiserver", killed.args))
        self.wait_until_ready()

    def last_words(self) -> str:
        """The end of what the processes wrote, for error messages."""
        logs = sorted(self.directory.glob("*.log"))
        return "\n".join(f"{p.name}: {p.read_text(errors='replace')[-1500:]}" for p in logs)

    def _ensure_default_namespace(self) -> None:
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}
        self.server_side_apply("/api/v1/namespaces/default", namespace, force="true")

    def _wait_for_served(self, spec: dict[str, Any], deadline: float) -> None:
        path = f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}"
        while True:
            try:
                self.request("GET", path)
            except ApiError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(_POLL)
            else:
                return

    def _describes(self, spec: dict[str, Any]) -> bool:
        version = f"apis/{spec['group']}/{spec['versions'][0]['name']}"
        found = self.request("GET", "/openapi/v3")["paths"].get(version)
        if found is None:
            return False
        described = self.request("GET", found["serverRelativeURL"])
        schemas = described.get("components", {}).get("schemas", {})
        return any(name.endswith(f".{spec['names']['kind']}") for name in schemas)


def _start(
    binaries: Binaries,
    directory: Path,
    processes: list[subprocess.Popen[bytes]],
    ports: Ports,
    flags: tuple[str, ...],
) -> ControlPlane:
    certificates = Certificates.write(directory)
    processes.append(_run(directory, "etcd", _etcd(binaries.etcd, directory, ports)))
    command = _apiserver(binaries.kube_apiserver, directory, certificates, ports)
    processes.append(_run(directory, "kube-apiserver", [*command, *flags]))
    url = f"https://127.0.0.1:{ports.secure}"
    kubeconfig = directory / "kubeconfig"
    kubeconfig.write_text(_kubeconfig(url, certificates))
    tls = ssl.create_default_context(cafile=str(certificates.authority))
    tls.load_cert_chain(certificates.admin, certificates.admin_key)
    return ControlPlane(directory, url, kubeconfig, binaries.kubectl, tls, processes)


def _run(directory: Path, name: str, command: list[str]) -> subprocess.Popen[bytes]:
    with (directory / f"{name}.log").open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log, cwd=directory)


def _etcd(binary: Path, directory: Path, ports: Ports) -> list[str]:
    here = f"http://127.0.0.1:{ports.client}"
    there = f"http://127.0.0.1:{ports.peer}"
    return [
        str(binary),
        f"--data-dir={directory / 'etcd'}",
        f"--listen-client-urls={here}",
        f"--advertise-client-urls={here}",
        f"--listen-peer-urls={there}",
        f"--initial-advertise-peer-urls={there}",
        f"--initial-cluster=default={there}",
        "--unsafe-no-fsync",
        "--log-level=warn",
    ]


def _apiserver(
    binary: Path, directory: Path, certificates: Certificates, ports: Ports
) -> list[str]:
    return [
        str(binary),
        f"--etcd-servers=http://127.0.0.1:{ports.client}",
        f"--cert-dir={directory}",
        f"--secure-port={ports.secure}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        "--service-cluster-ip-range=10.0.0.0/16",
        "--authorization-mode=RBAC",
        # Admission that waits for controllers which do not run here.
        "--disable-admission-plugins=ServiceAccount,TaintNodesByCondition,Priority",
        f"--client-ca-file={certificates.authority}",
        f"--tls-cert-file={certificates.server}",
        f"--tls-private-key-file={certificates.server_key}",
        f"--service-account-key-file={certificates.server_key}",
        f"--service-account-signing-key-file={certificates.server_key}",
        "--service-account-issuer=https://kubernetes.default.svc",
        "--v=0",
    ]


def _kubeconfig(url: str, certificates: Certificates) -> str:
    cluster = {"server": url, "certificate-authority": str(certificates.authority)}
    user = {
        "client-certificate": str(certificates.admin),
        "client-key": str(certificates.admin_key),
    }
    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "tests", "cluster": cluster}],
            "users": [{"name": "admin", "user": user}],
            "contexts": [{"name": "tests", "context": {"cluster": "tests", "user": "admin"}}],
            "current-context": "tests",
        }
    )


def _end(processes: list[subprocess.Popen[bytes]]) -> None:
    """The API server first: without etcd it would wait for it."""
    for process in reversed(processes):
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=3)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _established(definition: dict[str, Any]) -> bool:
    conditions = definition.get("status", {}).get("conditions") or []
    return any(c["type"] == "Established" and c["status"] == "True" for c in conditions)


def _status(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except json.JSONDecodeError:
        return {"message": body.decode(errors="replace")}
    return answer if isinstance(answer, dict) else {"message": str(answer)}
