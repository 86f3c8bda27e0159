"""A stream on a cluster whose pods and Flink are doubles: what the tests of courses do with it."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.support import flinkdouble
from tests.support.controllers import Kubelet, role
from tests.support.controlplane import ApiError, ControlPlane
from tests.support.flinkdouble import FlinkDouble, JobManager, flink_double
from tests.support.operatorprocess import Space, wait_until

from modelstream_operator import names
from modelstream_operator.decide.pods import is_ready

Pod = dict[str, Any]
RUNNING, STOPS = "life/running", ("life/stopping", "life/stopped")
RESTORED = "restored/restored"


@dataclass(frozen=True)
class Pods:
    """Those of a namespace, and what happens to them."""

    kubelet: Kubelet
    namespace: str

    def __call__(self, role: str | None = None) -> list[Pod]:
        return self.kubelet.pods(self.namespace, role)

    def running(self, role: str, count: int = 1) -> list[Pod]:
        """The pods of a role once there are so many that run."""

        def found() -> list[Pod]:
            alive = [pod for pod in self(role) if is_ready(pod)]
            return alive if len(alive) == count else []

        return list(wait_until(found))

    def both_run(self) -> list[Pod]:
        """The JobManager and the one TaskManager, once they do."""
        return [*self.running("jobmanager"), *self.running("taskmanager")]

    def names(self) -> set[str]:
        """Of all of them, dead or alive."""
        return {pod["metadata"]["name"] for pod in self()}

    def evict(self, pod: Pod) -> None:
        """Its node has no room for it: it ends, and its object stays."""
        self.kubelet.evict(pod)

    @contextmanager
    def no_room_for(self, component: str) -> Iterator[None]:
        """No node takes new pods of a role until the block ends."""
        before = self.kubelet.holds_back
        self.kubelet.holds_back = lambda pod: (
            pod["metadata"]["namespace"] == self.namespace and role(pod) == component
        )
        try:
            yield
        finally:
            self.kubelet.holds_back = before


@contextmanager
def flinks(plane: ControlPlane) -> Iterator[FlinkDouble]:
    """A Flink for each run, whose job runs as soon as it is asked for."""
    with flink_double(lambda path: _started(plane, path)) as double:
        yield double


def _started(plane: ControlPlane, path: str) -> JobManager | None:
    """The JobManager that the Deployment of a run has pods of; None where there is no such run."""
    _, namespace, name, run = path.split("/")
    try:
        deployment = plane.request(
            "GET",
            f"/apis/apps/v1/namespaces/{namespace}/deployments/{names.jobmanager(name, int(run))}",
        )
        config = plane.request(
            "GET", f"/api/v1/namespaces/{namespace}/configmaps/{names.config(name, int(run))}"
        )
    except ApiError:
        return None
    told = environment(deployment)
    job, before = told["MODELSTREAM_JOB_ID"], told.get("MODELSTREAM_RESTORE_FROM", "")
    scene = RESTORED if "MODELSTREAM_RESTORE_NEWEST" in told else RUNNING
    cluster = json.loads(config["data"]["flink.yaml"]).get("kubernetes.cluster-id")
    if cluster is None:
        return JobManager(job, RUNNING, then=STOPS)
    return JobManager(
        job,
        scene,
        then=STOPS,
        before=before.rpartition("/")[2],
        arrived=lambda scene: flinkdouble.write_config_maps(plane, namespace, cluster, job, scene),
    )


def environment(deployment: dict[str, Any]) -> dict[str, str]:
    """The variables of the main container."""
    main = deployment["spec"]["template"]["spec"]["containers"][0]
    return {each["name"]: each.get("value", "") for each in main["env"]}


def job_of(space: Space) -> str:
    """The id of the present job of the stream ``scores``."""
    return str(space.status("scores")["job"]["id"])


def run_of(space: Space) -> int:
    """The number of the present run of the stream ``scores``."""
    return int(space.status("scores")["run"])
