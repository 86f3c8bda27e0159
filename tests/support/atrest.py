"""A user, a cluster and Flink around one stream, and what must hold when all has come to rest."""

import asyncio
import sys
from collections.abc import Callable

from hypothesis.stateful import RuleBasedStateMachine
from tests.support.steered import Clock, Operator, Spec
from tests.support.streamworld import Run, World

from modelstream_operator.decide.memory import How, Step

MakeOperator = Callable[[World, Clock, asyncio.AbstractEventLoop], Operator]
_ON_THE_WAY = {Step.SAVEPOINTING, Step.TEARING_DOWN, Step.BACKING_OFF}


class AtRest(RuleBasedStateMachine):
    """What there is, what the operator is asked to do with it, and how it ends."""

    make: MakeOperator

    def __init__(self) -> None:
        super().__init__()
        self.world, self.clock, self.spec = World(), Clock(), Spec()
        self.nonce, self.origin, self.highest = 0, "", 0
        self.loop = asyncio.new_event_loop()
        self.operator = type(self).make(self.world, self.clock, self.loop)

    def teardown(self) -> None:
        try:
            if sys.exc_info()[0] is None:
                self._comes_to_rest()
        finally:
            self.loop.close()

    def _look(self, writes: int | None = None) -> None:
        self.world.forgiving |= self.spec.stateless
        if not self.spec.refused:
            self.nonce, self.origin = self.spec.nonce, self.spec.restore
        before, protected = self.operator.memory, self._is_protected
        self.operator.step(self.spec, writes)
        after = self.operator.memory
        if after.restore_nonce > before.restore_nonce:
            self.world.chosen[after.run] = self.origin
        if protected and before.step is Step.DEPLOYED and before.started:
            assert (after.step, after.run) == (Step.DEPLOYED, before.run), "a bad edit stops it"
        prepared = before.prepared if before.step is Step.TEARING_DOWN else None
        waited = prepared is not None and (prepared.proven or prepared.instead)
        if waited and after.step is Step.DEPLOYED and after.revision != before.revision:
            assert self.operator.nonce not in self.world.bad, "stopped for what cannot run"

    @property
    def _is_protected(self) -> bool:
        """Whether a job is seen to run, and nothing is asked for but what cannot run."""
        spec, world = self.spec, self.world
        rests = spec.suspend or not spec.replicas or spec.deleted
        seen = world.way == "open" and self._running and self._live[0].pod == "Ready"
        return self.nonce in world.bad and seen and not rests

    @property
    def _live(self) -> list[Run]:
        return [run for run in self.world.runs.values() if run.alive]

    @property
    def _job(self) -> Run:
        return self._live[0]

    @property
    def _running(self) -> bool:
        return any(run.job == "RUNNING" for run in self._live)

    @property
    def _noticed(self) -> bool:
        """The operator hears of it, or lets the newest be looked for.

        One in the last moments of pods whose job was not seen to run is nobody's.
        """
        memory = self.operator.memory
        left = memory.ended.left if memory.ended else None
        sought = left is not None and left.path.endswith(f"/{self._job.job_id}")
        known = self._job.asked and memory.step is not Step.TEARING_DOWN
        return memory.run == self._job.number and (known or sought)

    @property
    def _cannot_run(self) -> bool:
        return self.nonce in self.world.bad | self.world.failing | self.world.unfit

    @property
    def _goes_back(self) -> bool:
        """Whether there is anything that the present run could give way to, and it may."""
        memory, prepared = self.operator.memory, self.operator.memory.prepared
        known = bool(memory.ready) and memory.revision not in memory.ready
        return known and self.spec.rolls_back and not (prepared and prepared.error)

    def _comes_to_rest(self) -> None:
        self.world.way, self.world.stuck, self.world.broken = "open", False, False
        self.world.slow = False
        if self.spec.refused:  # what was accepted before is brought about
            self._settle()
            assert self.operator.memory.step not in _ON_THE_WAY
            self.spec.refused = False
        self._settle()
        assert self.operator.awry == set()
        memory, up = self.operator.memory, [run for run in self.world.runs.values() if run.pod]
        ended = memory.ended
        if memory.step is Step.ENDED:
            assert not up
            assert ended is not None
            assert self.world.last is not None
            assert ended.how is How.FINISHED or self.world.last.by_itself
            failed = (
                ended.how is How.FAILED
                and self.world.last.nonce in self.world.failing | self.world.unfit
            )
            tried = failed and self.spec.rolls_back and not self.spec.refused
            assert not tried or memory.revision in memory.ready or not memory.ready
        elif self.spec.suspend or not self.spec.replicas:
            assert (memory.step, up) == (Step.SUSPENDED, [])
        else:
            assert memory.step is Step.DEPLOYED, memory
            fails = {run.number for run in up if run.nonce in self.world.failing}
            job = "RESTARTING" if memory.run in fails else "RUNNING"
            assert [(run.number, run.job) for run in up] == [(memory.run, job)]
            assert job == "RUNNING" or not self._goes_back, "what fails does not give way"
            used = memory.restore_nonce == self.spec.restore_nonce
            assert used or self._cannot_run, "a choice is not brought about"
        assert {run.number for run in self.world.runs.values() if run.kept} <= {memory.run}
        if self._running and memory.started and not self._cannot_run:
            assert memory.savepoint_nonce == self.spec.savepoint_nonce, "no savepoint was taken"
        goes = memory.ask.directory if memory.ask else ""  # Flink may have deleted it already
        assert {each.path for each in memory.savepoints} - {goes} <= self.world.files.keys()
        assert self._cannot_run or not (memory.prepared or self.world.proofs)
        job = self.world.last if self._running and memory.started else None
        self.spec.deleted = True
        self._look()
        self._settle()
        assert self.operator.gone
        if job is not None and memory.step is Step.DEPLOYED and self.spec.saves_at_deletion:
            assert job.stopped_with, "deleted without its savepoint"
        assert not any(run.kept for run in self.world.runs.values())
        assert not any(run.pod for run in self.world.runs.values())
        assert not self.world.proofs
        assert not self.world.sweeps

    def _settle(self) -> None:
        """Nothing more happens to it; each wait of the operator is over in time.

        It is woken as in a cluster: by what watches tell, and when it has asked to be. Nothing here
        lasts as long as its last resort, the resync.
        """
        self._look()
        for _ in range(45):
            self.world.tick()
            for run in self._live:
                if run.nonce not in self.world.failing:
                    run.job = "RUNNING"
                if run.stop:
                    self.world.stop_succeeds(run)
                elif run.saving and run.job == "RUNNING":
                    self.world.save_ends(run, succeeds=True)
            self.clock.pass_by(12)
            if self.operator.awake:
                self._look()
