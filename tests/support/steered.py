"""Two operators in memory: ``decide`` alone, and the whole ``Reconciler`` in front of a cluster.

Both remember nothing but what they have written, and both can die after any write.
"""

import asyncio
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from tests.support.clusterinmemory import KEY, ClusterInMemory, CrashError
from tests.support.streamworld import FlinkInMemory, Run, World

from modelstream_crds.v1alpha1 import ModelStreamStatus
from modelstream_operator.asking import FlinkAnswers, Heard, Questions
from modelstream_operator.cache import Cache
from modelstream_operator.decide.decision import (
    Decision,
    OfRun,
    Rescale,
    Rest,
    Seen,
    StopWithSavepoint,
    Wanted,
)
from modelstream_operator.decide.job import Record
from modelstream_operator.decide.lifecycle import decide
from modelstream_operator.decide.memory import Memory
from modelstream_operator.flink import FlinkError
from modelstream_operator.reconcile import Reconciler, Session
from modelstream_operator.resources import Manifest
from modelstream_operator.settings import Settings

PATIENCE = timedelta(minutes=1)


@dataclass
class Spec:
    """What a user asks for, as far as courses differ by it."""

    nonce: int = 0
    replicas: int = 2
    suspend: bool = False
    stateless: bool = False
    refused: bool = False
    deleted: bool = False


@dataclass
class Clock:
    """The operator's, which the test moves."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        """The time."""
        return self.now

    def pass_by(self, seconds: float) -> None:
        """Let time go by."""
        self.now += timedelta(seconds=seconds)


class Operator(Protocol):
    """Brings the world nearer to a spec."""

    gone: bool
    """Whether a deletion waits for nothing more."""

    def step(self, spec: Spec, writes: int | None) -> None:
        """One pass; the operator dies after so many writes, and starts anew."""

    def lose_status(self) -> None:
        """A backup is restored without it, and the operator starts anew."""

    @property
    def memory(self) -> Memory:
        """What it has written."""


@dataclass
class Pure:
    """``decide``, with as little around it as can be."""

    world: World
    clock: Clock
    loop: asyncio.AbstractEventLoop
    status: Manifest = field(default_factory=dict)
    accepted: Spec = field(default_factory=Spec)
    heard: Heard = field(default_factory=Heard)
    refusal: tuple[str, str] = ("", "")
    gone: bool = False
    writes: int | None = None

    @property
    def memory(self) -> Memory:
        """What it has written."""
        return Memory.of(ModelStreamStatus.model_validate(self.status))

    def step(self, spec: Spec, writes: int | None) -> None:
        """One pass; the operator dies after so many writes."""
        self.writes = writes
        if not spec.refused:
            self.accepted = replace(spec)
        try:
            self.loop.run_until_complete(self._pass(spec))
        except CrashError:
            self.heard, self.refusal = Heard(), ("", "")

    def lose_status(self) -> None:
        """``decide`` is given what is remembered: where that stands is the reconciler's."""

    async def _pass(self, spec: Spec) -> None:
        memory = self.memory
        decision = decide(memory, self._wanted(spec, memory), await self._seen(memory))
        self._write_status(decision.memory)
        await self._act(decision)
        self._wrote()
        self._make(decision)
        self._wrote()
        self.gone = decision.gone

    def _wrote(self) -> None:
        if self.writes is not None:
            self.writes -= 1
            if self.writes < 0:
                raise CrashError

    def _write_status(self, memory: Memory) -> None:
        self.status = memory.written()
        self._wrote()

    def _wanted(self, spec: Spec, memory: Memory) -> Wanted:
        asked = self.accepted
        rest = Rest.SUSPENDED if asked.suspend else None
        return Wanted(
            revision=str(asked.nonce),
            restart=memory.revision not in {"", str(asked.nonce)},
            rest=rest or (None if asked.replicas else Rest.SCALED_TO_ZERO),
            keeps_state=not asked.stateless,
            savepoints="s3://state/savepoints",
            checkpoints="s3://state/checkpoints",
            parallelism=asked.replicas,
            deletion=PATIENCE if spec.deleted else None,
        )

    async def _seen(self, memory: Memory) -> Seen:
        run, now = self.world.runs.get(memory.run), self.clock()
        answers = FlinkAnswers()
        if run and run.pod == "Ready":
            questions = Questions(self._flink(), str(memory.run), KEY, memory, rescales=True)
            answers = await questions.ask(self.heard, now)
        trigger, refusal = self.refusal
        asked = memory.ask is not None and memory.ask.trigger_id == trigger
        return Seen(
            now=now,
            fresh_id=f"{len(self.world.files)}-{now.timestamp():.0f}",
            answer=answers.answer,
            times=answers.times,
            lasting=answers.lasting,
            job=answers.job,
            failures=answers.failures,
            checkpoints=answers.checkpoints,
            record=Record.of(run.record) if run else None,
            savepoint=answers.savepoint,
            refused_stop=refusal if asked else "",
            bounds=answers.bounds,
            runs={each.number: _of(each) for each in self.world.runs.values()},
            planned=run.planned if run else None,
            saved=bool(run and run.checkpoint),
            application_runs=answers.application_runs,
        )

    def _flink(self) -> Any:
        return FlinkInMemory(self.world)

    async def _act(self, decision: Decision) -> None:
        url = str(decision.memory.run)
        try:
            match decision.act:
                case StopWithSavepoint(job_id, directory, trigger):
                    await self._flink().stop_with_savepoint(url, job_id, directory, trigger)
                case Rescale(job_id, _, parallelism):
                    await self._flink().rescale(url, job_id, {"v": parallelism})
        except FlinkError as error:
            if error.status and isinstance(decision.act, StopWithSavepoint):
                self.refusal = decision.act.trigger_id, str(error)

    def _make(self, decision: Decision) -> None:
        memory = decision.memory
        for number in self.world.runs:
            if number != memory.run or not decision.running:
                self.world.ask_nothing(number)
        if decision.running:
            restored = memory.restored_from
            self.world.ask(memory.run, memory.job_id, restored.path if restored else None)


def _of(run: Run) -> OfRun:
    return OfRun(bool(run.pod), deployments=int(run.asked), scaled_down=not run.asked)


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
        self.cache, uid = Cache(), self.manifest["metadata"]["uid"]
        self.cluster = ClusterInMemory(self.world, self.cache, uid)
        self.session = Session(KEY)
        flink: Any = FlinkInMemory(self.world)
        settings = Settings(flink_rest="{run}", delete_timeout=PATIENCE.total_seconds())
        self.reconciler = Reconciler(self.cluster, self.cache, flink, settings, self.clock)
        self.written = Spec()
        self.generation = 1

    @property
    def memory(self) -> Memory:
        """What it has written."""
        return Memory.of(ModelStreamStatus.model_validate(self.cluster.status))

    def step(self, spec: Spec, writes: int | None) -> None:
        """One pass; the operator dies after so many writes."""
        self.cluster.show()
        self.cluster.writes = writes
        try:
            outcome = self.loop.run_until_complete(
                self.reconciler.once(self.session, self._of(spec))
            )
            self.gone = outcome.gone
        except CrashError:
            self.session = Session(KEY)
        finally:
            self.cluster.writes = None

    def lose_status(self) -> None:
        """A backup is restored without it, and the operator starts anew."""
        self.cluster.status, self.session = {}, Session(KEY)

    def _of(self, spec: Spec) -> Manifest:
        if spec != self.written:
            self.written, self.generation = replace(spec), self.generation + 1
        meta = {**self.manifest["metadata"], "generation": self.generation}
        if spec.deleted:
            meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
        flink: dict[str, Any] = {"taskManager": {"replicas": spec.replicas}}
        if spec.refused:
            flink["taskManager"]["resources"] = {"limits": {"memory": "1Gi"}}
        body = {
            **self.manifest["spec"],
            "state": {"storage": "s3://state"},
            "restartNonce": spec.nonce,
            "suspend": spec.suspend,
            "flink": flink,
            "upgrade": {"mode": "Stateless" if spec.stateless else "Savepoint"},
        }
        status = self.cluster.status
        return {**self.manifest, "metadata": meta, "spec": body, "status": status}
