"""The operator as it is, in memory: it remembers nothing but what it has written, and can die."""

import asyncio
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from tests.support.clusterinmemory import BY_HAND, KEY, ClusterInMemory, CrashError
from tests.support.flinkinmemory import FlinkInMemory
from tests.support.steered import INTERVAL, PATIENCE, READY_TIMEOUT, Clock, Spec, with_step
from tests.support.streamworld import World

from modelstream_crds.v1alpha1 import ModelStreamStatus
from modelstream_operator import names
from modelstream_operator.cache import Cache
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.highavailability import HighAvailability
from modelstream_operator.reconcile import Reconciler
from modelstream_operator.resources import CONTROLLER_REVISION, DEPLOYMENT, Key, Manifest, Ref
from modelstream_operator.session import Session
from modelstream_operator.settings import Settings


@dataclass
class Whole:
    """The ``Reconciler``, with everything that it reads and writes in memory."""

    world: World
    clock: Clock
    loop: asyncio.AbstractEventLoop
    manifest: Manifest
    gone: bool = False

    def __post_init__(self) -> None:
        """An operator that has seen nothing yet."""
        tells = HighAvailability(self._told)
        self.cache, uid = Cache(self._told, tells), self.manifest["metadata"]["uid"]
        self.cluster = ClusterInMemory(self.world, self.cache, uid)
        self.versions, self.past = 0, list[Manifest]()
        self.upgraded()
        self.written = Spec()
        self.generation = 1
        self.told, self.due = True, self.clock()

    def _told(self, key: Key) -> None:
        self.told = True

    def upgraded(self) -> None:
        """An operator that renders other pods takes over."""
        self.session, self.versions = Session(KEY), self.versions + 1
        flink: Any = FlinkInMemory(self.world)
        patience = PATIENCE.total_seconds()
        image = f"runtime:{self.versions}"
        settings = Settings(flink_rest="{run}", delete_timeout=patience, image_cpu=image)
        self.reconciler = Reconciler(self.cluster, self.cache, flink, settings, self.clock)

    @property
    def awake(self) -> bool:
        """Whether a watch has told of something, or its time has come."""
        self.cluster.show()
        return self.told or self.clock() >= self.due

    @property
    def children(self) -> list[Ref]:
        """What it has made, as far as somebody may lay hands on it."""
        return sorted(ref for ref in self.cluster.objects if ref.kind != CONTROLLER_REVISION.kind)

    def meddled(self, child: Ref, *, deleted: bool) -> None:
        """Somebody deletes a child, or scales it."""
        if deleted:
            self.cluster.somebody_deletes(child)
        elif child.kind == DEPLOYMENT.kind:
            self.cluster.somebody_scales(child)

    @property
    def awry(self) -> set[Ref]:
        """Children of the present run that are not as they were made."""
        there, run = self.cluster.objects, f"-{self.memory.run}"
        mine = {ref for ref in self.cluster.taken if ref.name.endswith(run)}
        if self.memory.step is not Step.DEPLOYED:  # a run that comes begins with another one
            mine = {ref for ref in mine if "-digests-" not in ref.name}
        scaled = [ref for ref in there if ref.kind == DEPLOYMENT.kind]
        return (mine - there.keys()) | {
            ref for ref in scaled if there[ref]["spec"]["replicas"] == BY_HAND
        }

    @property
    def tells_of_a_job(self) -> bool:
        """Whether status says that the job runs."""
        said = {each["type"]: each["status"] for each in self.cluster.status["conditions"]}
        return said["JobRunning"] == "True"

    @property
    def memory(self) -> Memory:
        """What it has written."""
        return Memory.of(ModelStreamStatus.model_validate(self.cluster.status))

    @property
    def nonce(self) -> int | None:
        """Of the spec that the present run is made of; None where that is not stored yet."""
        name = names.revision(KEY.name, self.memory.revision)
        found = self.cluster.objects.get(Ref(CONTROLLER_REVISION.kind, KEY.namespace, name))
        return found["data"]["spec"].get("restartNonce", 0) if found else None

    def step(self, spec: Spec, writes: int | None) -> None:
        """One pass; the operator dies after so many writes."""
        self.cluster.show()
        self.cluster.writes = writes
        self.told = False
        try:
            outcome = self.loop.run_until_complete(
                self.reconciler.once(self.session, self._of(spec))
            )
            self.gone = outcome.gone
            self.past.append(self.cluster.status)
            self.due = self.clock() + timedelta(seconds=outcome.delay)
        except CrashError:
            self.session, self.told = Session(KEY), True
        finally:
            self.cluster.writes = None

    def lose_status(self) -> None:
        """A backup is restored without it, and the operator starts anew."""
        self.cluster.status, self.session, self.told = {}, Session(KEY), True

    def lose_of_status(self, field: str) -> None:
        """Somebody takes a field out of it."""
        status = self.cluster.status
        self.cluster.status = {key: each for key, each in status.items() if key != field}
        self.told = True

    def restore_status(self, which: int) -> None:
        """A backup is restored with the status that was there in an earlier run."""
        run = self.memory.run
        if earlier := [each for each in self.past if each.get("run", 0) < run]:
            self.cluster.status, self.told = earlier[which % len(earlier)], True

    def lose_all(self) -> None:
        """Also what the runs were made of is gone."""
        kept = [ref for ref in self.cluster.objects if ref.kind == CONTROLLER_REVISION.kind]
        for ref in kept:
            self.cluster.somebody_deletes(ref)
        self.lose_status()

    def named(self, step: str) -> str:
        """Somebody writes another step into status; returns the one that was there."""
        before = str(self.cluster.status["step"]["name"])
        self.cluster.status = with_step(self.cluster.status, step)
        self.session, self.told = Session(KEY), True
        return before

    def outpaced(self) -> None:
        """Somebody else changes the object just before the next write of its status."""
        self.cluster.conflicts = 1

    def _of(self, spec: Spec) -> Manifest:
        if spec != self.written:
            self.written, self.generation = replace(spec), self.generation + 1
        meta = {**self.manifest["metadata"], "generation": self.generation}
        if spec.deleted:
            meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        flink: dict[str, Any] = {"taskManager": {"replicas": spec.replicas}}
        if spec.refused:
            flink["taskManager"]["resources"] = {"limits": {"memory": "1Gi"}}
        state: dict[str, Any] = {"storage": "s3://other" if spec.moved else "s3://state"}
        if spec.takes_less:
            state["allowNonRestoredState"] = True
        if spec.saves_at_deletion:
            state["deletionPolicy"] = "Savepoint"
        if spec.keep:
            state["savepoints"] = {"interval": f"{INTERVAL.seconds}s", "keep": spec.keep}
        if spec.restore:
            origin = {spec.restore: True} if "/" not in spec.restore else {"path": spec.restore}
            state["restoreFrom"] = {**origin, "nonce": spec.restore_nonce}
        body = {
            **self.manifest["spec"],
            "state": state,
            "restartNonce": spec.nonce,
            "savepointNonce": spec.savepoint_nonce,
            "suspend": spec.suspend,
            "flink": flink,
            "upgrade": {
                "mode": spec.mode,
                "rollback": spec.rolls_back,
                "readyTimeout": f"{round(READY_TIMEOUT.total_seconds())}s",
            },
        }
        if spec.given_up:
            del body["state"], body["upgrade"], body["savepointNonce"]
        status = self.cluster.status
        return {**self.manifest, "metadata": meta, "spec": body, "status": status}
