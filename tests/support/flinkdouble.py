"""Flink's REST interface, as the operator meets it: answers that were recorded, and no others.

A JobManager is at one scene of the recordings at a time. What differs from run to run is filled
in: the job's id, the trigger's, times. The way to Flink has faults of its own, which are named.
"""

import contextlib
import json
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from tests.support import flinkrecording
from tests.support.controlplane import ControlPlane
from tests.support.flinkrecording import Answer, Scene

_APPLY = "application/apply-patch+yaml"
STOP = "POST /jobs/{job}/stop"
RESCALE = "PUT /jobs/{job}/resource-requirements"
SAVEPOINT = "GET /jobs/{job}/savepoints/{trigger}"
UNKNOWN = SAVEPOINT.replace("{trigger}", "{unknown}")
NEVER_ASKED = "life/running"
"""A scene that knows of no trigger."""

CHANGES = (STOP, RESCALE)
AGES = {"start-time": 60.0, "end-time": 1.0, "last-modification": 30.0}
"""How many seconds ago what the overview tells of was, where the script does not say."""


class Fault(Enum):
    """What can be wrong with the way to a JobManager that is well."""

    SILENT = auto()
    """The connection is taken, and nobody answers."""
    REFUSED = auto()
    """The connection is closed before an answer, as by a JobManager that is not there."""
    FORBIDDEN = 403
    """A proxy's: the mesh does not let the operator through."""
    BAD_GATEWAY = 502
    UNAVAILABLE = 503


@cache
def scenes() -> dict[str, Scene]:
    """Every recorded scene by ``course/name``."""
    return {
        f"{path.stem}/{name}": scene
        for path in flinkrecording.RECORDINGS.glob("*.json")
        for name, scene in flinkrecording.read(path.stem).items()
    }


@dataclass
class JobManager:
    """What one JobManager would answer now."""

    job: str
    scene: str
    """``course/name`` of the recordings."""

    then: tuple[str, ...] = ()
    """The scenes once a stop with a savepoint was asked for: each until somebody asks of it."""

    arrived: Callable[[Scene], None] = lambda scene: None
    """Called with each scene that it comes to: what it has in Kubernetes differs."""

    fault: Fault | None = None
    faulty: str = "GET POST PUT"
    """The methods that the fault is about."""

    slow: float = 0.0
    """Seconds before each answer."""

    bound: int = 1
    """How far each vertex may be scaled."""

    before: str = "b" * 32
    """The job whose newest checkpoint it goes on from."""

    trigger: str = "0" * 32
    directory: str = "file:///savepoints"
    asked: list[str] = field(default_factory=list)
    """Questions in their order, with ids."""

    def __post_init__(self) -> None:
        self.go(self.scene)

    def meets(self, method: str) -> Fault | None:
        """The fault that a question of this method meets on its way."""
        return self.fault if method in self.faulty else None

    def go(self, scene: str) -> None:
        """Come to another scene, ``course/name`` of the recordings."""
        self.scene = scene
        self.arrived(scenes()[scene])

    def savepoint(self) -> str:
        """Where the stop with a savepoint has put it."""
        return f"{self.directory}/savepoint-{self.job[:6]}-{self.trigger[:12]}"

    def answer(self, method: str, path: str, body: dict[str, Any]) -> Answer:
        """As recorded; AssertionError for what is not."""
        self.asked.append(f"{method} {path}")
        question = self._question(method, path)
        if question in CHANGES:
            self._change(question, body)
        scene = NEVER_ASKED if question == UNKNOWN else self.scene
        answer = scenes()[scene].rest.get(question.replace("{unknown}", "{trigger}"))
        assert answer is not None, f"{question} is not recorded in {self.scene}"
        filled = Answer(answer.status, self._filled(answer.body))
        if question == SAVEPOINT:
            self._next()
        return filled

    def _change(self, question: str, body: dict[str, Any]) -> None:
        if question == RESCALE:
            self.bound = max(each["parallelism"]["upperBound"] for each in body.values())
            self.go("life/rescaled")
            return
        if question in scenes()[self.scene].rest:  # once more: the first one counts
            return
        self.trigger, self.directory = body["triggerId"], body["targetDirectory"]
        self._next()

    def _next(self) -> None:
        if self.then:
            scene, *after = self.then
            self.then = tuple(after)
            self.go(scene)

    def _question(self, method: str, path: str) -> str:
        path = urlsplit(path).path.replace(self.job, "{job}")
        path = path.replace(f"/{'0' * 32}/", "/{application}/")
        path = re.sub(r"/savepoints/(?!\{)[0-9a-f]{32}", self._trigger_word, path)
        return f"{method} {path}"

    def _trigger_word(self, found: re.Match[str]) -> str:
        known = found[0].endswith(self.trigger)
        return "/savepoints/" + ("{trigger}" if known else "{unknown}")

    def _filled(self, value: Any, key: str = "") -> Any:
        if isinstance(value, dict):
            return {self._filled(name): self._filled(each, name) for name, each in value.items()}
        if isinstance(value, list):
            return [self._filled(each) for each in value]
        if value == "{time}":
            return int((time.time() - AGES.get(key, 10.0)) * 1000)
        if key == "upperBound":
            return self.bound
        if key == "duration":
            return int(AGES["start-time"] * 1000)
        if not isinstance(value, str):
            return value
        text = re.sub(r"\{state\}\S*/savepoint-\{random\}", lambda _: self.savepoint(), value)
        words = {
            "{job}": self.job,
            "{other}": self.before,
            "{trigger}": self.trigger,
            "{application}": "0" * 32,
            "{state}": "file:///state",
            "{n}": "7",
            "{port}": "6123",
        }
        text = re.sub(r"\{id (\d+)\}", lambda found: f"{int(found[1]):032x}", text)
        return _worded(text, words)


@dataclass
class FlinkDouble:
    """One server for the JobManagers of all runs, each below a path of its own."""

    port: int
    starts: Callable[[str], JobManager | None]
    """Makes the JobManager of a path, ``/namespace/name/run``, when it is first asked."""

    jobmanagers: dict[str, JobManager] = field(default_factory=dict)
    """By path."""

    not_recorded: list[str] = field(default_factory=list)
    """Questions that no recording answers: a test that has any is wrong."""

    def jobmanager(self, path: str) -> JobManager | None:
        """That of a path; None where nobody listens."""
        found = self.jobmanagers.get(path) or self.starts(path)
        if found is not None:
            self.jobmanagers[path] = found
        return found

    def answer(
        self, method: str, path: str, body: dict[str, Any]
    ) -> tuple[JobManager, Answer] | None:
        """Who is asked, and the answer; None where there is nobody."""
        _, namespace, name, run, *question = path.split("/")
        found = self.jobmanager(f"/{namespace}/{name}/{run}")
        if found is None:
            return None
        rest = "/" + "/".join(question)
        if found.meets(method) not in (None, Fault.SILENT):  # it does not come to Flink
            found.asked.append(f"{method} {rest}")
            return found, Answer(0, None)
        try:
            return found, found.answer(method, rest, body)
        except AssertionError as error:
            self.not_recorded.append(str(error))
            raise


@contextlib.contextmanager
def flink_double(
    starts: Callable[[str], JobManager | None] = lambda path: None,
) -> Iterator[FlinkDouble]:
    """Serve until the block ends; fails when something was asked that is not recorded."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.daemon_threads = True  # one may wait for somebody who never gives up
    double = FlinkDouble(server.server_address[1], starts)
    server.double = double  # type: ignore[attr-defined]  # for the handler, which gets the server
    thread = threading.Thread(target=server.serve_forever, name="flink double")
    thread.start()
    try:
        yield double
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
    assert not double.not_recorded, double.not_recorded


class _Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self._serve()

    do_POST = do_PUT = do_PATCH = do_GET

    def log_message(self, format: str, *args: Any) -> None:
        """Nobody reads it."""

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        double: FlinkDouble = self.server.double  # type: ignore[attr-defined]  # set above
        found = double.answer(self.command, self.path, json.loads(body or b"{}"))
        if found is None:
            return  # the connection is closed without a word
        jobmanager, answer = found
        time.sleep(jobmanager.slow)
        fault = jobmanager.meets(self.command)
        match fault:
            case Fault.REFUSED:
                return
            case Fault.SILENT:
                self.rfile.read(1)  # until the one who asked gives up
            case Fault():
                self._say(fault.value, b"upstream connect error")
            case None:
                self._say(answer.status, json.dumps(answer.body).encode())

    def _say(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        with contextlib.suppress(ConnectionError):  # who asked has given up
            self.end_headers()
            self.wfile.write(body)


def write_config_maps(
    plane: ControlPlane, namespace: str, cluster: str, job: str, scene: Scene
) -> None:
    """Let Kubernetes have what Flink's high availability had of one run in a scene."""
    root = f"/api/v1/namespaces/{namespace}/configmaps"
    words = {"{cluster}": cluster, "{job}": job, "{n}": f"{1:019d}"}
    wanted = {_worded(name, words): each for name, each in scene.config_maps.items()}
    labels = f"?labelSelector=type=flink-native-kubernetes,app={cluster}"
    for each in plane.request("GET", root + labels)["items"]:
        if each["metadata"]["name"] not in wanted:
            plane.request("DELETE", f"{root}/{each['metadata']['name']}")
    for name, each in wanted.items():
        meta = {"name": name, "labels": {"app": cluster, "type": "flink-native-kubernetes"}}
        data = {_worded(key, words): "" for key in each["data"]}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}
        plane.request("PATCH", f"{root}/{name}?fieldManager=flink&force=true", body, kind=_APPLY)


def _worded(text: str, words: Mapping[str, str]) -> str:
    for word, said in words.items():
        text = text.replace(word, said)
    return text
