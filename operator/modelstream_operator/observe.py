"""What there is of one ModelStream: the watch-fed cache, and Flink's answers."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from modelstream_operator import names
from modelstream_operator.asking import FlinkAnswers, Heard, Questions
from modelstream_operator.cache import Cache, Child, run_of
from modelstream_operator.cluster import Cluster
from modelstream_operator.decide.claims import claim_names
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.pods import component, is_ended, is_ready
from modelstream_operator.flink import Flink
from modelstream_operator.highavailability import RunConfigMap
from modelstream_operator.names import Component
from modelstream_operator.observed import (
    Observed,
    RunObserved,
    deployments_of,
    digests_of,
    numbers,
)
from modelstream_operator.render.target import Target
from modelstream_operator.resources import Key, Manifest, Ref
from modelstream_operator.settings import Settings
from modelstream_operator.wish import Wish


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
        children, pods, now = self.cache.children(key), self.cache.pods(key), self.clock()
        kept = self.cache.high_availability.of(key, asked.uid)
        made_of = filter(None, (asked.target, asked.deployed))
        claims = [name for each in made_of for name in claim_names(each)]
        runs = {
            number: _run(number, asked.uid, children, pods, kept, memory)
            for number in sorted(numbers(children.values(), pods, kept) | {memory.run})
        }
        present = runs[memory.run]
        flink = await self._ask_flink(key, asked, memory, heard, present, now)
        return Observed(
            now=now,
            children=children,
            runs={**runs, memory.run: replace(present, flink=flink)},
            events=tuple(self.cache.events(key)),
            nodes=tuple(self.cache.nodes()),
            claims=self.cache.claims(key, claims),
        )

    async def _ask_flink(
        self,
        key: Key,
        asked: Wish,
        memory: Memory,
        heard: Heard,
        run: RunObserved,
        now: datetime,
    ) -> FlinkAnswers:
        """Only a JobManager that is ready is asked: another one would not answer in time."""
        if not any(map(is_ready, run.of_role(Component.JOBMANAGER))):
            return FlinkAnswers()
        url = self.settings.flink_url(*key, memory.run)
        rescales = asked.wanted.parallelism is not None
        saves = asked.wanted.savepoints is not None
        return await Questions(self.flink, url, key, memory, rescales, saves).ask(heard, now)


_APART = {Component.PROOF, Component.SWEEP}
"""Pods that are no part of a Flink cluster."""

_OVER = {Step.TEARING_DOWN, Step.BACKING_OFF, Step.SUSPENDED, Step.ENDED, Step.DELETING}
"""Steps in which the present run keeps nothing, once its pods are gone."""


def _run(
    number: int,
    uid: str,
    children: Mapping[Ref, Child],
    pods: Iterable[Manifest],
    kept: Iterable[RunConfigMap],
    memory: Memory,
) -> RunObserved:
    """What there is of a run; what is over, and has no pod, needs no high availability."""
    both = [pod for pod in pods if run_of(pod) == number]
    mine = [pod for pod in both if component(pod) not in _APART]
    alive = tuple(pod for pod in mine if not is_ended(pod))
    maps = tuple(each for each in kept if each.run == number)
    over = not alive and (number != memory.run or memory.step in _OVER)
    return RunObserved(
        pods=alive,
        ended=tuple(filter(is_ended, mine)),
        deployments=deployments_of(children, number),
        high_availability=maps,
        leftovers=tuple(each.ref for each in maps) if over else (),
        proof=next((pod for pod in both if component(pod) == Component.PROOF), None),
        sweep=next((pod for pod in both if component(pod) == Component.SWEEP), None),
        digests=digests_of(children, number, uid),
    )


def selector(target: Target) -> str:
    """The TaskManagers' label selector as autoscalers read it."""
    labels = target.selector(Component.TASKMANAGER)
    return ",".join(f"{key}={value}" for key, value in labels.items())


MANAGED = f"{names.LABEL_MANAGED_BY}={names.MANAGER}"
"""Label selector of the children that are watched."""
