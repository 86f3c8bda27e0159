"""A run of a real Flink that is led from one phase to the next, and recorded in each."""

import contextlib
import json
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from tests.support.flinkha import FlinkRun
from tests.support.flinkrecording import Answer, Scene, Words

JOB, OTHER, TRIGGER = "a" * 32, "b" * 32, "c" * 32
APPLICATION = "0" * 32
"""What Flink calls every application that is a cluster's only one."""

PART = "/{uuid}"
"""A file of a checkpoint or savepoint; whether one is left over depends on the moment."""

QUESTIONS = (
    "/jobs/overview",
    "/applications/overview",
    "/applications/{application}/exceptions",
    "/jobs/{job}/checkpoints",
    "/jobs/{job}/exceptions",
    "/jobs/{job}/resource-requirements",
    "/jobs/{job}/savepoints/{trigger}",
)


@dataclass
class Course:
    """A run that goes through the phases that its course tells of; ``shoot`` records one."""

    run: FlinkRun
    scenes: list[Scene] = field(default_factory=list)

    def shoot(self, name: str, posted: Mapping[str, Answer] | None = None) -> None:
        """Record what Flink says now, and what it has in Kubernetes and in the store."""
        said = {f"GET {each}": self._asked(each) for each in QUESTIONS}
        said |= posted or {}
        rest = {question: self._normal(each) for question, each in said.items()}
        found = self.run.config_maps()
        maps = {each["metadata"]["name"]: _described(each, self.words) for each in found}
        files = {self.words.text(name) for name in self.run.files()}
        kept = tuple(sorted(each for each in files if not each.endswith(PART)))
        self.scenes.append(Scene(name, rest, self.words.normal(maps), kept))

    @cached_property
    def words(self) -> Words:
        """What differs from run to run."""
        return Words(
            {
                self.run.state.as_uri(): "{state}",
                self.run.state.as_uri().replace("///", "/"): "{state}",
                self.run.target.namespace: "{namespace}",
                self.run.cluster_id: "{cluster}",
                APPLICATION: "{application}",
                JOB: "{job}",
                OTHER: "{other}",
                TRIGGER: "{trigger}",
            }
        )

    def start(self, kind: str = "endless", job: str = JOB, restore_from: str | None = None) -> None:
        """Start a JobManager, and wait until it answers."""
        self.run.start_jobmanager(job, kind, restore_from)
        self.run.until(lambda: self.run.ask("/config")[0] == 200, "the JobManager does not answer")

    def replace_jobmanager(self, sign: signal.Signals = signal.SIGKILL, **start: str) -> None:
        """As when its pod is: the old process ends, a new one starts."""
        self.run.end("jobmanager", sign)
        self.start(**start)

    def reach(self, state: str, job: str = JOB) -> None:
        """Wait until Flink says that the job is in this state."""
        self.run.until(lambda: self.run.job(job).get("state") == state, f"never {state}")

    def runs(self, checkpoints: int = 1) -> None:
        """Wait until every task runs, and so many checkpoints are complete."""
        self.run.until(
            lambda: self.run.job(JOB).get("tasks", {}).get("running") == 2, "not running"
        )
        self.run.until(lambda: self.completed() >= checkpoints, "no checkpoint")

    def completed(self) -> int:
        """Checkpoints that Flink says are complete."""
        _, answer = self.run.ask(f"/jobs/{JOB}/checkpoints")
        return int((answer or {}).get("counts", {}).get("completed", 0))

    def cleaned(self) -> None:
        """Wait until Flink has cleaned up after the job's end."""
        self.run.until(lambda: not self._plan(), "the plan stays")
        self.run.until(lambda: len(self.run.config_maps()) < 2, "the job's ConfigMap stays")

    def _plan(self) -> bool:
        found = self.run.config_maps()
        return any(
            key.startswith("executionPlan-") for each in found for key in each.get("data", ())
        )

    def rescale(self, parallelism: int) -> Answer:
        """Let each vertex have up to this parallelism."""
        path = f"/jobs/{JOB}/resource-requirements"
        bounds = {"parallelism": {"lowerBound": 1, "upperBound": parallelism}}
        body = dict.fromkeys(self.run.ask(path)[1], bounds)
        return Answer(*self.run.ask(path, body, "PUT"))

    def savepoint(self) -> str:
        """What Flink says of the savepoint that was asked for."""
        return json.dumps(self.run.ask(f"/jobs/{JOB}/savepoints/{TRIGGER}")[1])

    def save(self) -> Answer:
        """Take a savepoint in the trigger's own directory; the job goes on."""
        directory = f"{self.run.state.as_uri()}/savepoints/{TRIGGER}"
        body = {"target-directory": directory, "cancel-job": False, "triggerId": TRIGGER}
        return Answer(*self.run.ask(f"/jobs/{JOB}/savepoints", body))

    def dispose(self, path: str) -> dict[str, Answer]:
        """Let Flink delete a savepoint; what it said of the request, and of how that went."""
        asked = Answer(*self.run.ask("/savepoint-disposal", {"savepoint-path": path}))
        status = f"/savepoint-disposal/{asked.body['request-id']}"
        self.run.until(
            lambda: '"COMPLETED"' in json.dumps(self.run.ask(status)[1]), "the disposal goes on"
        )
        done = self._normal(Answer(*self.run.ask(status)))
        return {"POST /savepoint-disposal": asked, "GET /savepoint-disposal/{request}": done}

    def stop(self, directory: str = "") -> Answer:
        """Stop with a savepoint, in the trigger's own directory where no other is named."""
        directory = directory or f"{self.run.state.as_uri()}/savepoints/{TRIGGER}"
        body = {"targetDirectory": directory, "drain": False, "triggerId": TRIGGER}
        return Answer(*self.run.ask(f"/jobs/{JOB}/stop", body))

    def _asked(self, question: str) -> Answer:
        path = question.replace("{job}", JOB).replace("{trigger}", TRIGGER)
        path = path.replace("{application}", APPLICATION)
        return Answer(*self.run.ask(path))

    def _normal(self, answer: Answer) -> Answer:
        body = self.words.normal(answer.body)
        if isinstance(body, dict) and "history" in body:
            body |= {"history": [], "summary": {}}  # as long as the course took
        return Answer(answer.status, body)


def _described(config_map: Mapping[str, Any], words: Words) -> dict[str, Any]:
    """What the operator goes by; the values are Flink's own."""
    meta = config_map["metadata"]
    return {
        "labels": meta.get("labels", {}),
        "annotations": sorted(meta.get("annotations", {})),
        "owners": [each["kind"] for each in meta.get("ownerReferences", ())],
        "data": sorted({words.text(key) for key in config_map.get("data", {})}),
    }


def before_the_restored(course: Course) -> None:
    """A run that has completed checkpoints and is taken away; the next one has a cluster id."""
    course.run.target = replace(course.run.target, job_id=OTHER)
    course.start(job=OTHER)
    course.run.start_taskmanager()
    completed = f"/jobs/{OTHER}/checkpoints"
    course.run.until(
        lambda: (course.run.ask(completed)[1] or {}).get("counts", {}).get("completed", 0) >= 2,
        "no checkpoint",
    )
    for role in ("jobmanager", "taskmanager"):
        course.run.end(role, signal.SIGTERM)
    course.run.forget()
    course.run.target = replace(course.run.target, run=2, job_id=JOB)


def ended(course: Course, state: str, kind: str) -> None:
    """A job that comes to an end of its own."""
    course.start(kind)
    course.run.start_taskmanager()
    end_of(course, state)


def end_of(course: Course, state: str) -> None:
    """The end, and what a replaced JobManager makes of it."""
    course.reach(state)
    course.cleaned()
    application_ended(course)
    course.shoot(state.lower())
    course.replace_jobmanager()
    over(course)
    course.shoot(f"{state.lower()}-replaced")


def over(course: Course) -> None:
    """Wait until the JobManager knows that its application has ended before."""
    none = {"applications": []}
    course.run.until(lambda: course.run.ask("/applications/overview")[1] == none, "it began again")


def application_ended(course: Course) -> None:
    """Wait until Flink has noted the application's end, some moments after the job's."""

    def status() -> bool:
        _, answer = course.run.ask("/applications/overview")
        return any(each["end-time"] > 0 for each in (answer or {}).get("applications", ()))

    course.run.until(status, "the application goes on")


@contextlib.contextmanager
def frozen(run: FlinkRun, role: str) -> Iterator[None]:
    """A process that stands still, as on a node that swaps."""
    process = run.processes[role]
    process.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        process.send_signal(signal.SIGCONT)


def adopt(run: FlinkRun) -> None:
    """Make the namespace's own ConfigMap the owner of those of high availability."""
    root = f"/api/v1/namespaces/{run.target.namespace}"
    account = run.plane.request("GET", f"{root}/configmaps/owner")
    owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner"}
    patch = {"metadata": {"ownerReferences": [{**owner, "uid": account["metadata"]["uid"]}]}}
    for each in run.config_maps():
        path = f"{root}/configmaps/{each['metadata']['name']}"
        run.plane.request("PATCH", path, patch, kind="application/merge-patch+json")
