"""What there is of one ModelStream: the watch-fed cache, and Flink's answers."""

import uuid
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from modelstream_operator import names
from modelstream_operator.asking import FlinkAnswers, Heard, Questions
from modelstream_operator.cache import Cache, Child
from modelstream_operator.cluster import Cluster
from modelstream_operator.decide.claims import claim_names
from modelstream_operator.decide.decision import Seen
from modelstream_operator.decide.job import Record
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.pods import component, is_ended, is_ready, last_words
from modelstream_operator.flink import Flink
from modelstream_operator.highavailability import RunConfigMap
from modelstream_operator.names import Component
from modelstream_operator.render.target import Target
from modelstream_operator.resources import DEPLOYMENT, Key, Manifest, Ref
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
    high_availability: tuple[RunConfigMap, ...] = ()
    """ConfigMaps of every run of this object."""
    leftovers: tuple[Ref, ...] = ()
    """Those of them that no run needs any more."""

    def of_role(self, role: Component) -> list[Manifest]:
        """The living pods of one role."""
        return [pod for pod in self.pods if component(pod) == role]

    def deployments(self) -> dict[str, dict[str, Any]]:
        """Status of each Deployment by its name."""
        found = self.children.items()
        return {ref.name: child.status for ref, child in found if ref.kind == DEPLOYMENT.kind}

    def seen(self, memory: Memory) -> Seen:
        """The part that the life cycle decides upon."""
        found, flink = self.children.items(), self.flink
        deployments = [child for ref, child in found if ref.kind == DEPLOYMENT.kind]
        kept = self.high_availability
        present = [each for each in kept if each.run == memory.run]
        return Seen(
            now=self.now,
            fresh_id=uuid.uuid4().hex,
            answer=flink.answer,
            times=flink.times,
            lasting=flink.lasting,
            job=flink.job,
            failures=flink.failures,
            checkpoints=flink.checkpoints,
            record=_record(self.pods, memory),
            savepoint=flink.savepoint,
            bounds=flink.bounds,
            application_runs=flink.application_runs,
            runs=max([*map(_run, deployments), *(each.run for each in kept)], default=0),
            planned=next((bool(each.plans) for each in present if not each.job_id), None),
            saved=any(each.checkpoints for each in present if each.job_id == memory.job_id),
            pods=len(self.pods),
            scaled_down=all(map(_is_down, deployments)),
            deployments=len(deployments),
            leftovers=len(self.leftovers),
        )


def now() -> datetime:
    """The time in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Observer:
    """Makes snapshots."""

    cluster: Cluster
    cache: Cache
    flink: Flink
    settings: Settings
    clock: Callable[[], datetime] = now

    async def observe(self, key: Key, asked: Wish, memory: Memory, heard: Heard) -> Observed:
        """Look at everything that one pass needs."""
        every, now = self.cache.pods(key), self.clock()
        pods = tuple(pod for pod in every if not is_ended(pod))
        claims = claim_names(asked.target) if asked.target else ()
        kept = self.cache.high_availability.of(key, asked.uid)
        return Observed(
            now=now,
            children=self.cache.children(key),
            pods=pods,
            ended=tuple(filter(is_ended, every)),
            events=tuple(self.cache.events(key)),
            nodes=tuple(self.cache.nodes()),
            claims=self.cache.claims(key, claims),
            flink=await self._ask_flink(key, asked, memory, heard, pods, now),
            high_availability=kept,
            leftovers=_leftovers(kept, memory, pods),
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


_OVER = {Step.TEARING_DOWN, Step.BACKING_OFF, Step.SUSPENDED, Step.ENDED, Step.DELETING}
"""Steps in which the present run keeps nothing, once its pods are gone."""


def _leftovers(
    kept: Iterable[RunConfigMap], memory: Memory, pods: Iterable[Manifest]
) -> tuple[Ref, ...]:
    """What runs that are over and have no pod have left; the present one too when it is over."""
    alive = {pod["metadata"]["labels"].get(names.LABEL_RUN) for pod in pods}
    present = set() if memory.step in _OVER else {memory.run}
    return tuple(
        each.ref for each in kept if each.run not in present and str(each.run) not in alive
    )


def _record(pods: Iterable[Manifest], memory: Memory) -> Record | None:
    """Of the present run's JobManager, which says it as its container's last words."""
    for pod in pods:
        mine = pod["metadata"]["labels"].get(names.LABEL_RUN) == str(memory.run)
        if mine and component(pod) == Component.JOBMANAGER:
            for status in pod["status"].get("containerStatuses", ()):
                if (found := Record.of(last_words(status))) is not None:
                    return found
    return None


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
