"""What there is of one ModelStream: the watch-fed cache, and Flink's answers."""

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from modelstream_operator import names
from modelstream_operator.cache import Cache, Child, Key
from modelstream_operator.cluster import Cluster
from modelstream_operator.decide.cause import root_cause
from modelstream_operator.decide.claims import claim_names
from modelstream_operator.decide.lifecycle import Job, Memory, SavepointAnswer, Seen, Step
from modelstream_operator.decide.pods import component, is_ended, is_ready
from modelstream_operator.flink import Flink, FlinkError
from modelstream_operator.names import Component
from modelstream_operator.render.target import Target
from modelstream_operator.resources import CONFIG_MAP, DEPLOYMENT, Manifest, Ref
from modelstream_operator.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class FlinkAnswers:
    """What Flink said; empty where it did not answer."""

    job: Job | None = None
    failure: str = ""
    savepoint: SavepointAnswer | None = None
    bounds: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Observed:
    """A snapshot that one pass decides upon."""

    now: datetime
    children: Mapping[Ref, Child] = field(default_factory=dict)
    pods: tuple[Manifest, ...] = ()
    """Those that live."""
    ended: tuple[Manifest, ...] = ()
    """Those that have ended: history, neither counted nor waited for."""
    events: tuple[Manifest, ...] = ()
    nodes: tuple[Manifest, ...] = ()
    claims: Mapping[str, Manifest | None] = field(default_factory=dict)
    flink: FlinkAnswers = field(default_factory=FlinkAnswers)
    leftovers: tuple[Ref, ...] = ()

    def of_role(self, role: Component) -> list[Manifest]:
        """The living pods of one role."""
        return [pod for pod in self.pods if component(pod) == role]

    def deployments(self) -> dict[str, dict[str, Any]]:
        """Status of each Deployment by its name."""
        found = self.children.items()
        return {ref.name: child.status for ref, child in found if ref.kind == DEPLOYMENT.kind}

    def seen(self) -> Seen:
        """The part that the life cycle decides upon."""
        found = self.children.items()
        deployments = [child for ref, child in found if ref.kind == DEPLOYMENT.kind]
        return Seen(
            now=self.now,
            fresh_id=uuid.uuid4().hex,
            newest_run=max(map(_run, deployments), default=0),
            job=self.flink.job,
            pods=len(self.pods),
            scaled_down=all(map(_is_down, deployments)),
            savepoint=self.flink.savepoint,
            bounds=self.flink.bounds,
            leftovers=len(self.leftovers),
        )


@dataclass(frozen=True)
class Observer:
    """Makes snapshots."""

    cluster: Cluster
    cache: Cache
    flink: Flink
    settings: Settings

    async def observe(self, key: Key, target: Target, memory: Memory) -> Observed:
        """Look at everything that one pass needs."""
        every = self.cache.pods(key)
        pods = tuple(pod for pod in every if not is_ended(pod))
        tearing_down = memory.step is Step.TEARING_DOWN and not pods
        return Observed(
            now=datetime.now(UTC),
            children=self.cache.children(key),
            pods=pods,
            ended=tuple(filter(is_ended, every)),
            events=tuple(self.cache.events(key)),
            nodes=tuple(self.cache.nodes()),
            claims=self.cache.claims(key, claim_names(target)),
            flink=await self._ask_flink(key, target, memory, pods),
            leftovers=await self._leftovers(key, target) if tearing_down else (),
        )

    async def _leftovers(self, key: Key, target: Target) -> tuple[Ref, ...]:
        return await leftovers(self.cluster, key, target.manifest["metadata"]["uid"])

    async def _ask_flink(
        self, key: Key, target: Target, memory: Memory, pods: tuple[Manifest, ...]
    ) -> FlinkAnswers:
        """Only a JobManager that is ready is asked: another one would not answer in time."""
        if not any(component(pod) == Component.JOBMANAGER and is_ready(pod) for pod in pods):
            return FlinkAnswers()
        url = self.settings.flink_url(key.namespace, key.name, memory.run)
        try:
            job = await self._job(url, memory.job_id)
            if job is None:
                return FlinkAnswers()
            return FlinkAnswers(
                job=job,
                failure=await self._failure(url, memory.job_id, job),
                savepoint=await self._savepoint(url, memory),
                bounds=await self._bounds(url, target, memory, job),
            )
        except FlinkError as error:
            logger.info("%s/%s: Flink: %s", key.namespace, key.name, error)
            return FlinkAnswers()

    async def _job(self, url: str, job_id: str) -> Job | None:
        for each in await self.flink.jobs(url):
            if each["jid"] == job_id:
                return Job.of(each)
        return None

    async def _failure(self, url: str, job_id: str, job: Job) -> str:
        if job.settled or job.state == "FINISHED":
            return ""
        return root_cause(await self.flink.root_exception(url, job_id))

    async def _savepoint(self, url: str, memory: Memory) -> SavepointAnswer | None:
        asked = memory.savepoint
        if memory.step is not Step.SAVEPOINTING or asked is None or asked.trigger_id is None:
            return None
        answer = await self.flink.savepoint(url, memory.job_id, asked.trigger_id)
        if answer is None or answer.get("status", {}).get("id") != "COMPLETED":
            return None if answer is None else SavepointAnswer()
        operation = answer.get("operation") or {}
        cause = (operation.get("failure-cause") or {}).get("stack-trace", "")
        return SavepointAnswer(operation.get("location"), root_cause(cause) if cause else None)

    async def _bounds(self, url: str, target: Target, memory: Memory, job: Job) -> frozenset[int]:
        if not target.streaming or job.state != "RUNNING" or memory.step is not Step.DEPLOYED:
            return frozenset()
        found = await self.flink.resources(url, memory.job_id)
        return frozenset(int(each["parallelism"]["upperBound"]) for each in found.values())


async def leftovers(cluster: Cluster, key: Key, uid: str) -> tuple[Ref, ...]:
    """ConfigMaps that the high availability of any run of one object has left behind.

    The label is on those of every Flink cluster of the namespace: only the name tells whose.
    """
    found = await cluster.list(CONFIG_MAP, key.namespace, "type=flink-native-kubernetes")
    refs = [Ref(CONFIG_MAP.kind, key.namespace, each["metadata"]["name"]) for each in found]
    ours = names.runs_of(key.name, uid)
    return tuple(ref for ref in refs if ref.name.startswith(ours))


def selector(target: Target) -> str:
    """The TaskManagers' label selector as autoscalers read it."""
    labels = target.selector(Component.TASKMANAGER)
    return ",".join(f"{key}={value}" for key, value in labels.items())


def _is_down(deployment: Child) -> bool:
    """Whether its controller has seen that no pod is wanted, and has none left to count.

    The spec alone does not tell: a controller that lags behind may be about to make a pod.
    """
    manifest, status = deployment.manifest(), deployment.status
    seen = status.get("observedGeneration", 0) >= manifest["metadata"]["generation"]
    return seen and manifest["spec"].get("replicas") == 0 and not status.get("replicas")


def _run(deployment: Child) -> int:
    return int(deployment.manifest()["metadata"]["labels"].get(names.LABEL_RUN, 0))


MANAGED = f"{names.LABEL_MANAGED_BY}={names.MANAGER}"
"""Label selector of the children that are watched."""
