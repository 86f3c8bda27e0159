"""Whatever happens, in whatever order, and wherever the operator dies: what must never be.

Never two live jobs of one stream; nothing that was kept is lost while a later start is possible; no
job that has ended runs again by itself; all courses come to rest at what is asked for; a deletion
ends.
"""

import asyncio
import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from tests.support.steered import Clock, Operator, Pure, Spec, Whole
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
        self.operator.step(self.spec, writes)

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
    def operator_is_upgraded(self) -> None:
        self.operator.upgraded()

    # The user

    @rule()
    def edited(self) -> None:
        self.spec.nonce += 1
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

    # Pods, nodes, and the way to Flink

    @rule(way=st.sampled_from(["open", "silent", "refused", "lost"]))
    def way_to_flink(self, way: str) -> None:
        self.world.way = way

    @rule(wish=st.booleans())
    def node_cut_off(self, wish: bool) -> None:
        self.world.stuck = wish

    @rule(wish=st.booleans())
    def program_broken(self, wish: bool) -> None:
        self.world.broken = wish

    @precondition(lambda self: self._live)
    @rule()
    def jobmanager_killed(self) -> None:
        self.world.kill(self._job)

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

    def _comes_to_rest(self) -> None:
        self.world.way, self.world.stuck, self.world.broken = "open", False, False
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
        elif self.spec.suspend or not self.spec.replicas:
            assert (memory.step, up) == (Step.SUSPENDED, [])
        else:
            assert memory.step is Step.DEPLOYED, memory
            assert [(run.number, run.job) for run in up] == [(memory.run, "RUNNING")]
        assert {run.number for run in self.world.runs.values() if run.kept} <= {memory.run}
        self.spec.deleted = True
        self._look()
        self._settle()
        assert self.operator.gone
        assert not any(run.kept for run in self.world.runs.values())
        assert not any(run.pod for run in self.world.runs.values())

    def _settle(self) -> None:
        """Nothing more happens to it; each wait of the operator is over in time.

        It is woken as in a cluster: by what watches tell, and when it has asked to be. Nothing here
        lasts as long as its last resort, the resync.
        """
        self._look()
        for _ in range(45):
            self.world.tick()
            for run in self._live:
                run.job = "RUNNING"
                if run.stop:
                    self.world.stop_succeeds(run)
            self.clock.pass_by(12)
            if self.operator.awake:
                self._look()


def stops(course: Courses, *, succeeds: bool, forgotten: bool = False) -> None:
    """A stop is asked for, and ends."""
    for _ in range(2):
        course.operator_looks(writes=None, seconds=1)
    course.stop_ends(succeeds=succeeds, forgotten=forgotten)


def answer_forgotten(course: Courses) -> None:
    """The savepoint is complete, and its trigger is not known any more."""
    course.works()
    course.edited()
    stops(course, succeeds=True, forgotten=True)


def replaced_after_a_stop(course: Courses) -> None:
    """The JobManager is gone before anybody has asked for the savepoint."""
    course.works()
    course.edited()
    course.operator_looks(writes=None, seconds=1)
    course.operator_looks(writes=None, seconds=1)
    run = course._job
    course.stop_ends(succeeds=True, forgotten=False)
    course.world.kill(run)


def change_taken_back(course: Courses) -> None:
    """A run that was restored goes on after a savepoint that failed."""
    course.works()
    course.edited()
    stops(course, succeeds=True)
    for _ in range(4):
        course.all_goes_on()
    assert course.operator.memory.restored_from is not None
    course.suspended(wish=True)
    stops(course, succeeds=False)
    course.operator_looks(writes=None, seconds=1)
    course.suspended(wish=False)


def refused_on_the_way(course: Courses) -> None:
    """An edit, and then one that is refused while the job stops for the first."""
    course.edited()
    course.operator_looks(writes=None, seconds=1)
    course.refused(wish=True)


def moved_and_edited(course: Courses) -> None:
    """State goes to another store: the savepoint is where the present pods can write."""
    course.works()
    course.state_moved(wish=True)
    stops(course, succeeds=True)


def restored_and_dropped(course: Courses) -> None:
    """A run that has been restored ends before it has completed a checkpoint of its own."""
    course.works()
    course.edited()
    stops(course, succeeds=True)
    for _ in range(4):
        course.all_goes_on()
    course.mode_chosen("LastState")
    course.edited()


def no_pod_can_be_made(course: Courses) -> None:
    """A quota is used up, and the change goes on when status has said that it would."""
    course.works()
    course.edited()
    course.world.kill(course._job)
    course.operator_looks(writes=None, seconds=1)
    assert course.operator.memory.step is Step.SAVEPOINTING
    for _ in range(8):
        course.clock.pass_by(12)
        if course.operator.awake:
            course._look()
    assert course.operator.memory.step is not Step.SAVEPOINTING


def status_lost(course: Courses) -> None:
    """A backup is restored without it."""
    course.works()
    course.checkpoint_completes()
    course.operator.lose_status()
    course.all_goes_on()
    assert [run.number for run in course.world.runs.values()] == [1]


def nothing_is_known(course: Courses) -> None:
    """Status is lost, and what the run was made of too: nobody knows where its state is."""
    course.world.forgiving = True
    course.operator.lose_all()
    for _ in range(4):
        course.all_goes_on()


@pytest.mark.parametrize(
    "course",
    [
        restored_and_dropped,
        no_pod_can_be_made,
        status_lost,
        nothing_is_known,
        answer_forgotten,
        replaced_after_a_stop,
        change_taken_back,
        refused_on_the_way,
        moved_and_edited,
    ],
)
@pytest.mark.parametrize("operator", ["decide", "reconciler"])
def test_a_course(course: Callable[[Courses], None], operator: str, target: Any) -> None:
    manifest = {**target().manifest, "apiVersion": "modelstream.dev/v1alpha1"}

    class Here(Courses):
        @staticmethod
        def make(world: World, clock: Clock, loop: asyncio.AbstractEventLoop) -> Operator:
            if operator == "decide":
                return Pure(world, clock, loop)
            return Whole(world, clock, loop, manifest)

    there = Here()
    there.created()
    for _ in range(3):
        there.all_goes_on()
    course(there)
    there.teardown()


def test_decide_alone() -> None:
    class PureCourses(Courses):
        make = staticmethod(Pure)

    quick = settings(
        max_examples=40,
        stateful_step_count=30,
        deadline=None,
        database=None,
        phases=[Phase.generate],
    )
    run_state_machine_as_test(PureCourses, settings=quick)


def test_the_whole_reconciler(target: Any) -> None:
    manifest = {**target().manifest, "apiVersion": "modelstream.dev/v1alpha1"}

    class WholeCourses(Courses):
        @staticmethod
        def make(world: World, clock: Clock, loop: asyncio.AbstractEventLoop) -> Operator:
            return Whole(world, clock, loop, manifest)

    few = settings(
        max_examples=5,
        stateful_step_count=25,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(WholeCourses, settings=few)
