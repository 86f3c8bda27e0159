"""A snapshot of one ModelStream, run by run: what a pass decides upon."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from modelstream_operator import names
from modelstream_operator.asking import FlinkAnswers
from modelstream_operator.cache import Child, run_of
from modelstream_operator.decide.decision import OfRun, Seen
from modelstream_operator.decide.job import Record
from modelstream_operator.decide.memory import Memory
from modelstream_operator.decide.pods import component, last_words
from modelstream_operator.decide.stored import Kind, Stored
from modelstream_operator.highavailability import RESTORED, RunConfigMap
from modelstream_operator.names import Component
from modelstream_operator.resources import CONFIG_MAP, DEPLOYMENT, Manifest, Ref


@dataclass(frozen=True)
class RunObserved:
    """What there is of one run."""

    pods: tuple[Manifest, ...] = ()
    """Those that live."""
    ended: tuple[Manifest, ...] = ()
    """Those that have ended: history, neither counted nor waited for."""
    deployments: Mapping[Ref, Child] = field(default_factory=dict)
    flink: FlinkAnswers = field(default_factory=FlinkAnswers)
    high_availability: tuple[RunConfigMap, ...] = ()
    leftovers: tuple[Ref, ...] = ()
    """Those of them that the run needs no more."""
    proof: Manifest | None = None
    sweep: Manifest | None = None
    """The pod that proves what the run is to be made of: none of its own."""
    digests: Mapping[str, str] = field(default_factory=dict)
    """What its models are, once its first pods have told."""

    def of_role(self, role: Component) -> list[Manifest]:
        """The living pods of one role."""
        return [pod for pod in self.pods if component(pod) == role]

    @property
    def record(self) -> Record | None:
        """The end of its job, which a JobManager says as its container's last words."""
        for pod in self.of_role(Component.JOBMANAGER):
            for status in pod["status"].get("containerStatuses", ()):
                if (found := Record.of(last_words(status))) is not None:
                    return found
        return None

    @property
    def planned(self) -> bool | None:
        """Whether a JobManager would begin a job again; None where none has written so far."""
        kept = self.high_availability
        return next((bool(each.plans) for each in kept if not each.job_id), None)

    def saved(self, job_id: str, restored_from: Stored | None) -> bool:
        """Whether high availability points to a checkpoint that the job itself has completed.

        What a job was restored from stands there too, from its first moment, and is of another one.
        """
        given = RESTORED if restored_from and restored_from.kind is not Kind.NOTHING else 0
        mine = (each for each in self.high_availability if each.job_id == job_id)
        return any(len(each.checkpoints) > given for each in mine)

    def seen(self) -> OfRun:
        """The part that the life cycle decides upon."""
        return OfRun(
            pods=len(self.pods),
            deployments=len(self.deployments),
            scaled_down=all(map(_is_down, self.deployments.values())),
            leftovers=len(self.leftovers),
        )


@dataclass(frozen=True)
class Observed:
    """All that one pass decides upon."""

    now: datetime
    children: Mapping[Ref, Child] = field(default_factory=dict)
    runs: Mapping[int, RunObserved] = field(default_factory=dict)
    """By number: every run that anything is left of."""
    events: tuple[Manifest, ...] = ()
    nodes: tuple[Manifest, ...] = ()
    claims: Mapping[str, Manifest | None] = field(default_factory=dict)

    def of(self, run: int) -> RunObserved:
        """What there is of a run; nothing of one that nothing is left of."""
        return self.runs.get(run, RunObserved())

    @cached_property
    def pods(self) -> tuple[Manifest, ...]:
        """The living pods of all runs."""
        return tuple(pod for run in self.runs.values() for pod in run.pods)

    def deployments(self) -> dict[str, dict[str, Any]]:
        """Status of each Deployment by its name."""
        found = [pair for run in self.runs.values() for pair in run.deployments.items()]
        return {ref.name: child.status for ref, child in found}

    def seen(self, memory: Memory) -> Seen:
        """The part that the life cycle decides upon."""
        present = self.of(memory.run)
        flink = present.flink
        return Seen(
            now=self.now,
            fresh_id=uuid.uuid4().hex,
            answer=flink.answer,
            times=flink.times,
            lasting=flink.lasting,
            job=flink.job,
            failures=flink.failures,
            restarts=flink.restarts,
            checkpoints=flink.checkpoints,
            found=flink.found,
            record=present.record,
            savepoint=flink.savepoint,
            bounds=flink.bounds,
            application_runs=flink.application_runs,
            disposal=flink.disposal,
            planned=present.planned,
            saved=present.saved(memory.job_id, memory.restored_from),
            runs={number: run.seen() for number, run in self.runs.items()},
        )


def deployments_of(children: Mapping[Ref, Child], run: int) -> dict[Ref, Child]:
    """A run's Deployments."""
    mine = {ref: child for ref, child in children.items() if child.run == run}
    return {ref: child for ref, child in mine.items() if ref.kind == DEPLOYMENT.kind}


def digests_of(children: Mapping[Ref, Child], run: int, uid: str) -> Mapping[str, str]:
    """What is written of a run's models, and not of one that had the same name before."""
    for ref, child in children.items():
        name = names.digests(child.key.name, run)
        if (ref.kind, ref.name) == (CONFIG_MAP.kind, name) and uid in child.owners:
            return dict(child.manifest().get("data", {}))
    return {}


def numbers(
    children: Iterable[Child], pods: Iterable[Manifest], kept: Iterable[RunConfigMap]
) -> set[int]:
    """Of the runs that have left Deployments, pods, or high availability."""
    found = {child.run for child in children if child.ref.kind == DEPLOYMENT.kind}
    return found | set(map(run_of, pods)) | {each.run for each in kept}


def _is_down(deployment: Child) -> bool:
    """Whether its controller has seen that no pod is wanted, and has none left to count.

    The spec alone does not tell: a controller that lags behind may be about to make a pod.
    """
    manifest, status = deployment.manifest(), deployment.status
    seen = status.get("observedGeneration", 0) >= manifest["metadata"]["generation"]
    return seen and manifest["spec"].get("replicas") == 0 and not status.get("replicas")
