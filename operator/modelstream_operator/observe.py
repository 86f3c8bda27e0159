"""What there is of one ModelStream: the watch-fed cache, and Flink's answers."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from modelstream_operator import names
from modelstream_operator.asking import FlinkAnswers, Heard, Questions
from modelstream_operator.cache import Cache, Child, Key
from modelstream_operator.cluster import Cluster
from modelstream_operator.decide.claims import claim_names
from modelstream_operator.decide.decision import Seen
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.pods import component, is_ended, is_ready
from modelstream_operator.flink import Flink
from modelstream_operator.names import Component
from modelstream_operator.render.target import Target
from modelstream_operator.resources import CONFIG_MAP, DEPLOYMENT, Manifest, Ref
from modelstream_operator.settings import Settings
from modelstream_operator.wish import Wish


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
        found, flink = self.children.items(), self.flink
        deployments = [child for ref, child in found if ref.kind == DEPLOYMENT.kind]
        return Seen(
            now=self.now,
            fresh_id=uuid.uuid4().hex,
            answer=flink.answer,
            times=flink.times,
            lasting=flink.lasting,
            job=flink.job,
            failures=flink.failures,
            checkpoints=flink.checkpoints,
            savepoint=flink.savepoint,
            bounds=flink.bounds,
            application_runs=flink.application_runs,
            runs=max(map(_run, deployments), default=0),
            pods=len(self.pods),
            scaled_down=all(map(_is_down, deployments)),
            deployments=len(deployments),
            leftovers=len(self.leftovers),
        )


@dataclass(frozen=True)
class Observer:
    """Makes snapshots."""

    cluster: Cluster
    cache: Cache
    flink: Flink
    settings: Settings

    async def observe(self, key: Key, asked: Wish, memory: Memory, heard: Heard) -> Observed:
        """Look at everything that one pass needs."""
        every, now = self.cache.pods(key), datetime.now(UTC)
        pods = tuple(pod for pod in every if not is_ended(pod))
        over = memory.step in _OVER and not pods
        claims = claim_names(asked.target) if asked.target else ()
        return Observed(
            now=now,
            children=self.cache.children(key),
            pods=pods,
            ended=tuple(filter(is_ended, every)),
            events=tuple(self.cache.events(key)),
            nodes=tuple(self.cache.nodes()),
            claims=self.cache.claims(key, claims),
            flink=await self._ask_flink(key, asked, memory, heard, pods, now),
            leftovers=await leftovers(self.cluster, key, asked.uid) if over else (),
        )

    async def _ask_flink(
        self,
        key: Key,
        asked: Wish,
        memory: Memory,
        heard: Heard,
        pods: tuple[Manifest, ...],
        now: datetime,
    ) -> FlinkAnswers:
        """Only a JobManager that is ready is asked: another one would not answer in time."""
        if not any(component(pod) == Component.JOBMANAGER and is_ready(pod) for pod in pods):
            return FlinkAnswers()
        url = self.settings.flink_url(*key, memory.run)
        rescales = asked.wanted.parallelism is not None
        return await Questions(self.flink, url, key, memory, rescales).ask(heard, now)


_OVER = {Step.TEARING_DOWN, Step.BACKING_OFF, Step.DELETING}
"""Steps in which what a run has left is looked for, once its pods are gone."""


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


def _run(child: Child) -> int:
    return int(child.manifest()["metadata"]["labels"].get(names.LABEL_RUN, 0))


def _is_down(deployment: Child) -> bool:
    """Whether its controller has seen that no pod is wanted, and has none left to count.

    The spec alone does not tell: a controller that lags behind may be about to make a pod.
    """
    manifest, status = deployment.manifest(), deployment.status
    seen = status.get("observedGeneration", 0) >= manifest["metadata"]["generation"]
    return seen and manifest["spec"].get("replicas") == 0 and not status.get("replicas")


MANAGED = f"{names.LABEL_MANAGED_BY}={names.MANAGER}"
"""Label selector of the children that are watched."""
