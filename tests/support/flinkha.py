"""A JobManager and a TaskManager of the pinned Flink, as the pods of one run would have them.

The options are those that the operator renders for a stream with ``state``; only addresses,
ports and directories are of this machine. High availability goes to a control plane of the tests.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import yaml
from tests.support.controlplane import ControlPlane
from tests.support.ports import held_port

from modelstream.cli.java import find_java
from modelstream.pod import configuration
from modelstream.pod.entrypoint import PYTHON_DRIVER
from modelstream_crds.v1alpha1 import ModelStream
from modelstream_operator import names
from modelstream_operator.render.config import flink_options
from modelstream_operator.render.target import Target

JOB = Path(__file__).with_name("ha_job.py")
TIMEOUT = 400.0
_POLL = 0.1

Answer = tuple[int, Any]
"""Status and body of an answer; status 0 where there was none."""


def flink_home() -> Path:
    """Where the wheel has Flink."""
    spec = find_spec("pyflink")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


@dataclass
class FlinkRun:
    """One run of a stream on this machine: its options, its processes, and its REST interface."""

    plane: ControlPlane
    directory: Path
    target: Target
    rest: int
    extra: Mapping[str, str] = field(default_factory=dict)
    """Options beside the rendered ones, for what a course tries."""
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        """The store of the run's state."""
        return self.directory / "state"

    @property
    def cluster_id(self) -> str:
        """Flink's name of this run."""
        return flink_options(self.target)["kubernetes.cluster-id"]

    def options(self) -> dict[str, Any]:
        """What the operator renders, with this machine's places."""
        rendered = {
            key: value.replace(f"file://{names.STATE_DIR}", self.state.as_uri())
            for key, value in flink_options(self.target).items()
        }
        local = {
            **dict.fromkeys(
                (
                    "rest.address",
                    "rest.bind-address",
                    "jobmanager.rpc.address",
                    "jobmanager.bind-host",
                    "taskmanager.host",
                    "taskmanager.bind-host",
                ),
                "127.0.0.1",
            ),
            **dict.fromkeys(
                (
                    "jobmanager.rpc.port",
                    "high-availability.jobmanager.port",
                    "blob.server.port",
                    "taskmanager.rpc.port",
                    "taskmanager.data.port",
                    "metrics.reporter.prom.port",
                ),
                "0",
            ),
            "pekko.startup-timeout": "5 min",  # a machine that others use too
            "rest.port": str(self.rest),
            "rest.bind-port": str(self.rest),
            "kubernetes.config.file": str(self.plane.kubeconfig),
            "python.client.executable": sys.executable,
            "python.executable": sys.executable,
        }
        shipped = yaml.safe_load((flink_home() / "conf" / "config.yaml").read_text())
        return configuration.merged(shipped, rendered, local, self.extra)

    def start_jobmanager(self, job_id: str, kind: str, restore_from: str | None = None) -> None:
        """Start the JobManager's process, as the pod's entry point does."""
        command = ["standalone-job.sh", "start-foreground"]
        command += ["--job-classname", PYTHON_DRIVER, "--job-id", job_id]
        if restore_from:
            command += ["--fromSavepoint", restore_from]
        self._start(
            "jobmanager", [*command, "-pyclientexec", sys.executable, "-py", str(JOB), kind]
        )

    def start_taskmanager(self) -> None:
        """Start the TaskManager's process."""
        self._start("taskmanager", ["taskmanager.sh", "start-foreground"])

    def end(self, role: str, sign: signal.Signals) -> None:
        """Send a process a signal and wait for its end."""
        process = self.processes.pop(role)
        process.send_signal(sign)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise

    def ask(self, path: str, body: Any = None, method: str | None = None) -> Answer:
        """Ask the JobManager."""
        data = None if body is None else json.dumps(body).encode()
        url = f"http://127.0.0.1:{self.rest}{path}"
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(url, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, _json(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, _json(error.read())
        except OSError:
            return 0, None

    def job(self, job_id: str) -> dict[str, Any]:
        """The job's entry in the overview; empty where there is none."""
        _, answer = self.ask("/jobs/overview")
        return next((e for e in (answer or {}).get("jobs", ()) if e["jid"] == job_id), {})

    def config_maps(self) -> list[dict[str, Any]]:
        """Those of Flink's high availability."""
        path = f"/api/v1/namespaces/{self.target.namespace}/configmaps"
        path += "?labelSelector=type=flink-native-kubernetes"
        items: list[dict[str, Any]] = self.plane.request("GET", path)["items"]
        return items

    def forget(self) -> None:
        """Delete what high availability has kept, as the operator does after a run."""
        root = f"/api/v1/namespaces/{self.target.namespace}/configmaps"
        for each in self.config_maps():
            self.plane.request("DELETE", f"{root}/{each['metadata']['name']}")

    def until(self, what: Callable[[], Any], said: str = "") -> Any:
        """The first true answer; fails with the log when it takes too long."""
        deadline = time.monotonic() + TIMEOUT
        while not (answer := what()):
            ended = [role for role, each in self.processes.items() if each.poll() is not None]
            assert not ended, f"{ended} ended: {self.last_words()}"
            assert time.monotonic() < deadline, f"{said or what}: {self.last_words()}"
            time.sleep(_POLL)
        return answer

    def last_words(self) -> str:
        """The end of each process' log."""
        logs = sorted(self.directory.glob("*.out"))
        return "\n".join(f"{log.name}: {log.read_text(errors='replace')[-3000:]}" for log in logs)

    def files(self) -> list[str]:
        """Every file of the store, below it."""
        return sorted(str(p.relative_to(self.state)) for p in self.state.rglob("*") if p.is_file())

    def _start(self, role: str, command: list[str]) -> None:
        home, conf = flink_home(), self.directory / f"conf-{role}"
        conf.mkdir(exist_ok=True)
        for file in (home / "conf").iterdir():
            (conf / file.name).write_bytes(file.read_bytes())
        (conf / "config.yaml").write_text(yaml.safe_dump(self.options(), width=1 << 20))
        jar = next((home / "opt").glob("flink-python-*.jar"))  # the image has it in lib
        environment = {
            **os.environ,
            "JAVA_HOME": str(find_java().home),
            "FLINK_CONF_DIR": str(conf),
            "FLINK_LOG_DIR": str(self.directory),
            "FLINK_PID_DIR": str(conf),
            "HADOOP_CLASSPATH": str(jar),
        }
        with (self.directory / f"{role}.out").open("ab") as log:
            self.processes[role] = subprocess.Popen(
                [str(home / "bin" / command[0]), *command[1:]],
                stdout=log,
                stderr=log,
                env=environment,
                cwd=self.directory,
            )


@contextlib.contextmanager
def flink_run(
    plane: ControlPlane, directory: Path, target: Target, extra: Mapping[str, str]
) -> Iterator[FlinkRun]:
    """A run without a process yet; ends with all of them."""
    with held_port() as rest:
        run = FlinkRun(plane, directory, target, rest, extra)
        try:
            yield run
        finally:
            for process in run.processes.values():
                process.kill()
                process.wait()


def stream(name: str, namespace: str, job_id: str) -> Target:
    """The first run of a stream with state, as small as one can be."""
    manifest = {
        "apiVersion": "modelstream.dev/v1alpha1",
        "kind": "ModelStream",
        "metadata": {"name": name, "namespace": namespace, "uid": "0" * 32},
        "spec": {
            "python": {"script": "/app/job.py"},
            "state": {"storage": "pvc://state", "checkpointInterval": "1s"},
        },
    }
    parsed = ModelStream.model_validate(manifest)
    return Target(stream=parsed, manifest=manifest, run=1, job_id=job_id)


def _json(body: bytes) -> Any:
    try:
        return json.loads(body) if body.strip() else {}
    except ValueError:
        return {"text": body.decode(errors="replace")}
