"""``decide`` alone as an operator, with as little around it as can be."""

import asyncio
from dataclasses import dataclass, field, replace
from typing import Any

from tests.support.clusterinmemory import KEY, CrashError
from tests.support.flinkinmemory import FlinkInMemory
from tests.support.steered import INTERVAL, PATIENCE, READY_TIMEOUT, Clock, Spec, with_step
from tests.support.streamworld import STATE, Restore, Run, World

from modelstream_crds.v1alpha1 import ConditionType, ModelStreamStatus
from modelstream_operator.asking import FlinkAnswers, Heard, Questions
from modelstream_operator.decide.decision import (
    Decision,
    DisposeSavepoint,
    ForgetHighAvailability,
    OfRun,
    Rescale,
    Rest,
    Seen,
    StopWithSavepoint,
    Swept,
    TakeDown,
    TakeSavepoint,
    Wanted,
)
from modelstream_operator.decide.decision import Restore as Chosen
from modelstream_operator.decide.job import Record
from modelstream_operator.decide.lifecycle import decide
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.prepared import NO_PROOF, Proof
from modelstream_operator.decide.problem import Problem
from modelstream_operator.decide.removing import sent
from modelstream_operator.decide.stored import Stored, newest_of_all
from modelstream_operator.flink import FlinkError
from modelstream_operator.kept import named_by
from modelstream_operator.resources import Manifest, Ref


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

    @property
    def nonce(self) -> int | None:
        """Of the spec that the present run is made of."""
        return _nonce(self.memory.revision)

    def step(self, spec: Spec, writes: int | None) -> None:
        """One pass; the operator dies after so many writes."""
        self.writes = writes
        if not spec.refused and not spec.given_up:
            self.accepted = replace(spec)
        try:
            self.loop.run_until_complete(self._pass(spec))
        except CrashError:
            self.heard, self.refusal = Heard(), ("", "")

    awake: bool = True
    children: list[Ref] = field(default_factory=list)
    awry: set[Ref] = field(default_factory=set)
    tells_of_a_job: bool = True  # it makes no status of what it knows

    def meddled(self, child: Ref, *, deleted: bool) -> None:
        """``decide`` makes no children."""

    def lose_status(self) -> None:
        """``decide`` is given what is remembered: where that stands is the reconciler's."""

    def lose_of_status(self, field: str) -> None:
        """Nor is a part of that its business."""

    def restore_status(self, which: int) -> None:
        """Nor is which one it is."""

    def lose_all(self) -> None:
        """It is given nothing any more."""
        self.status = {}

    def named(self, step: str) -> str:
        """Somebody writes another step into status; returns the one that was there."""
        before, self.status = str(self.status["step"]["name"]), with_step(self.status, step)
        return before

    def outpaced(self) -> None:
        """``decide`` writes nothing."""

    def upgraded(self) -> None:
        """``decide`` renders nothing."""

    async def _pass(self, spec: Spec) -> None:
        memory = self.memory
        seen = await self._seen(memory)
        decision = decide(memory, self._wanted(spec, memory), seen)
        if memory.step is Step.UNKNOWN:  # nothing is written or done then
            return
        self._write_status(decision.memory)
        await self._act(decision)
        self._wrote()
        self._make(decision)
        self._sweep(decision.memory, seen)
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
        revision = f"{asked.nonce}{'moved' if asked.moved else ''}"
        restore = _chosen(asked, memory)
        return Wanted(
            revision=revision,
            restart=memory.revision not in {"", revision} or bool(memory.revision and restore),
            rest=rest or (None if asked.replicas else Rest.SCALED_TO_ZERO),
            keeps_state=not asked.stateless,
            from_checkpoint=asked.last_state and not asked.stateless,
            savepoints="s3://state/savepoints",
            checkpoints="s3://state/checkpoints",
            looks_in=None if asked.stateless else f"{STATE}/checkpoints",
            startable=dict.fromkeys(named_by(memory), asked.replicas),
            parallelism=asked.replicas,
            rolls_back=asked.rolls_back,
            savepoint_nonce=asked.savepoint_nonce,
            savepoint_interval=INTERVAL if asked.keep else None,
            keep=asked.keep,
            takes_less=asked.takes_less,
            ready_timeout=READY_TIMEOUT,
            restore=restore,
            deletion=PATIENCE if spec.deleted else None,
            saves_at_deletion=spec.saves_at_deletion,
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
            found=answers.found,
            record=Record.of(run.record) if run else None,
            savepoint=answers.savepoint,
            refused_stop=refusal if asked else "",
            bounds=answers.bounds,
            runs={
                **{number: OfRun() for number in self.world.proofs},
                **{each.number: _of(each, memory) for each in self.world.runs.values()},
            },
            planned=run.planned if run else None,
            saved=bool(run and run.checkpoint),
            ready=bool(answers.job and answers.job.all_running),
            placed=bool(run and run.pod == "Ready"),
            disposal=answers.disposal,
            outlives=bool(run and run.checkpoint and answers.job and answers.job.all_running),
            swept=self._swept(memory),
            spared=frozenset(self.world.named),
            restarts=answers.restarts,
            application_runs=answers.application_runs,
            proof=_proof(self.world, memory),
        )

    def _swept(self, memory: Memory) -> Swept | None:
        sweep = self.world.sweeps.get(memory.run)
        return Swept(sweep.jobs) if sweep and sweep.done else None

    def _sweep(self, memory: Memory, seen: Seen) -> None:
        """What has nothing to remove goes, and another is made where there is something."""
        left = {each.job_id for each in memory.remains}
        for number, pod in list(self.world.sweeps.items()):
            works = memory.step is Step.DEPLOYED and number == memory.run
            if not works or not left & pod.jobs:
                del self.world.sweeps[number]
        if remains := sent(memory, seen):
            self.world.sweep(memory.run, [each.job_id for each in remains])

    def _flink(self) -> Any:
        return FlinkInMemory(self.world)

    async def _act(self, decision: Decision) -> None:
        url = str(decision.memory.run)
        try:
            match decision.act:
                case StopWithSavepoint(job_id, directory, trigger):
                    await self._flink().stop_with_savepoint(url, job_id, directory, trigger)
                case TakeSavepoint(job_id, directory, trigger):
                    await self._flink().take_savepoint(url, job_id, directory, trigger)
                case DisposeSavepoint(path, trigger) if trigger not in self.heard.disposals:
                    request = await self._flink().dispose_savepoint(url, path)
                    self.heard.disposals = {trigger: request}
                case ForgetHighAvailability():
                    self._forget(decision.memory)
                case TakeDown():
                    for run in self.world.runs:
                        self.world.ask_nothing(run)
                case Rescale(job_id, _, parallelism):
                    await self._flink().rescale(url, job_id, {"v": parallelism})
        except FlinkError as error:
            if error.status and isinstance(
                decision.act, StopWithSavepoint | TakeSavepoint | DisposeSavepoint
            ):
                self.refusal = decision.act.trigger_id, str(error)

    def _forget(self, memory: Memory) -> None:
        for run in self.world.runs.values():
            run.kept = run.kept and not _is_over(run, memory)

    def _make(self, decision: Decision) -> None:
        memory = decision.memory
        for number in self.world.runs:
            if number != memory.run or not decision.running:
                self.world.ask_nothing(number)
        self._prove(memory)
        if decision.running:
            restore, nonce = _restore(memory.restored_from), _nonce(memory.revision)
            restore = replace(restore, less="true" if memory.took_less else None)
            self.world.ask(memory.run, memory.job_id, restore, nonce=nonce)

    def _prove(self, memory: Memory) -> None:
        prepared = memory.proving
        for number, pod in list(self.world.proofs.items()):
            mine = prepared is not None and prepared.run == number
            if not mine or (prepared and prepared.error and pod.state == "Proving"):
                del self.world.proofs[number]
        if prepared is not None and not prepared.error:
            self.world.prove(prepared.run, _nonce(prepared.revision))


def _nonce(revision: str) -> int:
    return int(revision.removesuffix("moved"))


def _chosen(spec: Spec, memory: Memory) -> Chosen | None:
    """What a person wants the next run to begin with, as long as it has not been used."""
    used = not memory.has_never_begun and spec.restore_nonce <= memory.restore_nonce
    if not spec.restore or used:
        return None
    match spec.restore:
        case "nothing":
            return Chosen(spec.restore_nonce, None)
        case "newest":
            return Chosen(spec.restore_nonce, newest_of_all(f"{STATE}/checkpoints"))
    return Chosen(spec.restore_nonce, Stored.at(spec.restore))


def _proof(world: World, memory: Memory) -> Proof:
    pod = world.proofs.get(memory.prepared.run) if memory.prepared else None
    if pod is None or pod.state == "Proving":
        return NO_PROOF
    if pod.state == "Succeeded":
        return Proof(succeeded=True)
    reason, _, message = pod.said.partition(": ")
    return Proof(over=True, problem=Problem(ConditionType.MODELS_AVAILABLE, reason, message))


def _restore(given: Stored | None) -> Restore:
    if given is None or given.search is None:
        return Restore(given.path if given else None)
    search = given.search
    otherwise = search.otherwise.path if search.otherwise else None
    return Restore(search.directory, search.lookup, otherwise)


def _is_over(run: Run, memory: Memory) -> bool:
    """Whether what high availability has of it is of no use."""
    ends = {Step.TEARING_DOWN, Step.BACKING_OFF, Step.SUSPENDED, Step.ENDED, Step.DELETING}
    return not run.pod and (run.number != memory.run or memory.step in ends)


def _of(run: Run, memory: Memory) -> OfRun:
    left = run.kept and _is_over(run, memory)
    return OfRun(bool(run.pod), int(run.asked), scaled_down=not run.asked, leftovers=int(left))
