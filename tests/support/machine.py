"""All that can happen to one stream, as rules of a state machine, and what must hold."""

import asyncio
import sys
from collections.abc import Callable

from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)
from tests.support.steered import Clock, Operator, Spec
from tests.support.streamworld import STATE, Run, World

from modelstream_operator.decide.memory import How, Step

MakeOperator = Callable[[World, Clock, asyncio.AbstractEventLoop], Operator]
_ON_THE_WAY = {Step.SAVEPOINTING, Step.TEARING_DOWN, Step.BACKING_OFF}
WRITES = st.none() | st.integers(0, 6)
"""After how many writes the operator dies in a pass; None of one that lives."""


class Courses(RuleBasedStateMachine):
    """A user, a cluster and Flink around one stream; each rule is one thing that happens."""

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

    @initialize()
    def created(self) -> None:
        self.operator.step(self.spec, None)

    # The operator and time

    @rule(writes=WRITES, seconds=st.sampled_from([0, 1, 5, 11, 31, 400]))
    def operator_looks(self, writes: int | None, seconds: float) -> None:
        self.clock.pass_by(seconds)
        self._look(writes)

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
        if prepared and (prepared.proven or prepared.instead) and after.step is Step.DEPLOYED:
            assert self.operator.nonce not in self.world.bad, "stopped for what cannot run"

    @property
    def _is_protected(self) -> bool:
        """Whether a job is seen to run, and nothing is asked for but what cannot run."""
        spec, world = self.spec, self.world
        rests = spec.suspend or not spec.replicas or spec.deleted
        seen = world.way == "open" and self._running and self._live[0].pod == "Ready"
        return self.nonce in world.bad and seen and not rests

    @rule()
    def cluster_goes_on(self) -> None:
        self.world.tick()

    @rule()
    def all_goes_on(self) -> None:
        for _ in range(3):
            self.world.tick()
            self.clock.pass_by(5)
            self._look()

    @rule()
    def status_is_lost(self) -> None:
        self._look()
        self.operator.lose_status()
        self._look()

    @rule()
    def object_changes_meanwhile(self) -> None:
        self.operator.outpaced()

    @rule()
    def operator_is_upgraded(self) -> None:
        self.operator.upgraded()

    # The user

    @rule(bad=st.booleans())
    def edited(self, bad: bool = False) -> None:
        """Also with what cannot run, which a proof finds out."""
        self.spec.nonce = self.highest = self.highest + 1
        self.world.touches += 1
        if bad:
            self.world.bad.add(self.spec.nonce)

    @rule(bad=st.booleans())
    def edited_once_all_has_gone_on(self, bad: bool) -> None:
        """Most often while a job runs."""
        self.all_goes_on()
        self.all_goes_on()
        self.edited(bad)
        self.all_goes_on()

    @rule(known=st.booleans())
    def edited_with_what_fails(self, known: bool) -> None:
        """Its proof succeeds, and its job fails; most often where something was Ready before."""
        self.all_goes_on()
        self.all_goes_on()
        if known and self._running and self._noticed and not self._job.stop:
            self.checkpoint_completes()
            self.all_goes_on()
        self.edited()
        self.world.failing.add(self.spec.nonce)
        self.all_goes_on()

    @rule(wish=st.booleans())
    def rollback_wished(self, wish: bool) -> None:
        self.spec.rolls_back = wish

    @rule(bad=st.booleans())
    def edited_while_it_stops(self, bad: bool) -> None:
        """What was asked for before is proven, and the job stops for it."""
        self.edited_once_all_has_gone_on(False)
        self.operator_looks(None, 1)
        if self._live and self._job.stop:
            self.stop_ends(succeeds=True, forgotten=False)
        self.operator_looks(None, 1)
        self.edited(bad)
        self.operator_looks(None, 1)

    @precondition(lambda self: self.spec.nonce)
    @rule()
    def edit_taken_back(self) -> None:
        self.spec.nonce -= 1
        self.world.touches += 1

    @rule(wish=st.booleans())
    def suspended(self, wish: bool) -> None:
        self.spec.suspend = wish
        self.world.touches += 1

    @rule(replicas=st.integers(0, 3))
    def scaled(self, replicas: int) -> None:
        self.spec.replicas = replicas
        self.world.touches += 1

    @rule(mode=st.sampled_from(["Savepoint", "LastState", "Stateless"]))
    def mode_chosen(self, mode: str) -> None:
        self.spec.stateless, self.spec.last_state = mode == "Stateless", mode == "LastState"
        self.world.touches += 1

    @rule(wish=st.booleans())
    def refused(self, wish: bool) -> None:
        self.spec.refused = wish

    @rule(wish=st.booleans())
    def state_moved(self, wish: bool) -> None:
        self.spec.moved = wish
        self.world.touches += 1

    @precondition(lambda self: self.operator.children)
    @rule(which=st.integers(0, 20), deleted=st.booleans())
    def somebody_meddles(self, which: int, deleted: bool) -> None:
        found = self.operator.children
        self.operator.meddled(found[which % len(found)], deleted=deleted)

    @rule(what=st.sampled_from(["newest", "nothing", "oldest"]), greater=st.booleans())
    def another_origin(self, what: str, greater: bool) -> None:
        """What the job is to begin with; with a nonce that was used already it changes nothing."""
        path = next(iter(self.world.files), None)
        if what == "oldest" and path is None:
            return
        self.spec.restore = str(path) if what == "oldest" else what
        if greater:
            self.spec.restore_nonce += 1
            self.world.touches += 1

    @rule(wish=st.booleans())
    def savepoint_at_deletion(self, wish: bool) -> None:
        self.spec.saves_at_deletion = wish

    # Pods, nodes, and the way to Flink

    @rule(way=st.sampled_from(["open", "silent", "refused", "read-only", "lost", "late"]))
    def way_to_flink(self, way: str) -> None:
        self.world.way = way

    @rule(wish=st.booleans())
    def node_cut_off(self, wish: bool) -> None:
        self.world.stuck = wish

    @rule(wish=st.booleans())
    def proofs_are_slow(self, wish: bool) -> None:
        self.world.slow = wish

    @rule()
    def proof_is_lost(self) -> None:
        """Its node is gone, or somebody deletes the pod."""
        self.world.proofs.clear()

    @rule(wish=st.booleans())
    def program_broken(self, wish: bool) -> None:
        self.world.broken = wish

    @precondition(lambda self: self._live)
    @rule(evicted=st.booleans())
    def jobmanager_killed(self, evicted: bool) -> None:
        (self.world.evict if evicted else self.world.kill)(self._job)

    # Flink

    @property
    def _live(self) -> list[Run]:
        return [run for run in self.world.runs.values() if run.alive]

    @property
    def _job(self) -> Run:
        return self._live[0]

    @property
    def _running(self) -> bool:
        return any(run.job == "RUNNING" for run in self._live)

    @precondition(lambda self: self._running)
    @rule()
    def works(self) -> None:
        self._job.value += 1

    @precondition(lambda self: self._running and self._noticed)
    @rule()
    def checkpoint_completes(self) -> None:
        self._job.checkpoint = self.world.save(self._job, f"{STATE}/checkpoints")

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

    @precondition(lambda self: self._live and not self._job.stop)
    @rule(state=st.sampled_from(["FAILED", "CANCELED", "FINISHED"]))
    def job_ends(self, state: str) -> None:
        self.world.end(self._job, state)

    @precondition(lambda self: self._running and not self._job.stop)
    @rule()
    def somebody_stops(self) -> None:
        job = self._job
        job.stopped_with = self.world.save(job, f"{STATE}/elsewhere")
        self.world.end(job, "FINISHED")

    @precondition(lambda self: self._live)
    @rule()
    def job_restarts(self) -> None:
        if self._job.nonce not in self.world.failing:
            self._job.job = "RESTARTING" if self._job.job == "RUNNING" else "RUNNING"

    @precondition(lambda self: self._live and self._job.stop)
    @rule(succeeds=st.booleans(), forgotten=st.booleans())
    def stop_ends(self, succeeds: bool, forgotten: bool) -> None:
        job = self._job
        if succeeds:
            self.world.stop_succeeds(job)
        else:
            self.world.stop_fails(job)
        if forgotten:
            job.answers.clear()

    # What must hold

    @invariant()
    def one_live_job(self) -> None:
        assert len(self._live) <= 1

    @property
    def _cannot_run(self) -> bool:
        return self.nonce in self.world.bad | self.world.failing

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
            failed = ended.how is How.FAILED and self.world.last.nonce in self.world.failing
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
            self.clock.pass_by(12)
            if self.operator.awake:
                self._look()
