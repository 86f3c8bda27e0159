"""Whatever happens, in whatever order, and wherever the operator dies: what must never be.

Never two live jobs of one stream; nothing that was kept is lost while a later start is possible; no
job that has ended runs again by itself; all courses come to rest at what is asked for; a deletion
ends.
"""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import (
    run_state_machine_as_test,
)
from tests.support.carriedout import carry_out, changed, proven, rests_and_resumes, stops
from tests.support.machine import Courses
from tests.support.pureoperator import Pure
from tests.support.steered import Clock, Operator
from tests.support.streamworld import World
from tests.support.wholeoperator import Whole

from modelstream_operator.decide.memory import Step


def answer_forgotten(course: Courses) -> None:
    """The savepoint is complete, and its trigger is not known any more."""
    course.works()
    changed(course)
    stops(course, succeeds=True, forgotten=True)


def replaced_after_a_stop(course: Courses) -> None:
    """The JobManager is gone before anybody has asked for the savepoint."""
    course.works()
    changed(course)
    course.operator_looks(writes=None, seconds=1)
    course.operator_looks(writes=None, seconds=1)
    run = course._job
    course.stop_ends(succeeds=True, forgotten=False)
    course.world.kill(run)


def change_taken_back(course: Courses) -> None:
    """A run that was restored goes on after a savepoint that failed."""
    course.works()
    changed(course)
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
    changed(course)
    course.operator_looks(writes=None, seconds=1)
    course.refused(wish=True)


def moved_and_edited(course: Courses) -> None:
    """State goes to another store: the savepoint is where the present pods can write."""
    course.works()
    course.state_moved(wish=True)
    proven(course)
    stops(course, succeeds=True)


def restored_and_dropped(course: Courses) -> None:
    """A run that has been restored ends before it has completed a checkpoint of its own."""
    course.works()
    changed(course)
    stops(course, succeeds=True)
    for _ in range(4):
        course.all_goes_on()
    course.mode_chosen("LastState")
    changed(course)


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


def step_of_a_newer_operator(course: Courses) -> None:
    """It waits, whatever is asked for, until that operator is back."""
    course.works()
    before = course.operator.named("RollingBack")
    course.edited()
    for _ in range(2):
        course.all_goes_on()
    assert [(run.number, run.alive) for run in course.world.runs.values()] == [(1, True)]
    assert course.operator.named(before) == "RollingBack"


def outpaced(course: Courses) -> None:
    """The object changes before what was decided about it is written."""
    course.works()
    course.edited()
    course.operator.outpaced()
    course.operator_looks(writes=None, seconds=1)
    proven(course)
    course.operator.outpaced()
    course.operator_looks(writes=None, seconds=1)
    stops(course, succeeds=True)


def nothing_is_known(course: Courses) -> None:
    """Status is lost, and what the run was made of too: nobody knows where its state is."""
    course.world.forgiving = True
    course.operator.lose_all()
    for _ in range(4):
        course.all_goes_on()


def evicted_and_edited(course: Courses) -> None:
    """The object of a pod that has failed stays beside the pod that took its place."""
    course.works()
    course.world.evict(course._job)
    for _ in range(2):
        course.all_goes_on()
    changed(course)
    stops(course, succeeds=True)


def stop_refused(course: Courses) -> None:
    """A mesh lets nothing through that asks Flink for something; the job is never stopped."""
    course.works()
    course.checkpoint_completes()
    course.world.way = "read-only"
    changed(course)
    for _ in range(30):
        course.operator_looks(writes=None, seconds=31)
    assert course.operator.memory.step is not Step.SAVEPOINTING


def stop_done_and_refused(course: Courses) -> None:
    """A proxy gives a stop up that Flink carries out, and the change is taken back meanwhile."""
    course.works()
    changed(course)
    course.world.way = "late"
    for _ in range(3):
        course.operator_looks(writes=None, seconds=1)
    course.world.way = "open"
    course.edit_taken_back()
    course.operator_looks(writes=None, seconds=1)
    assert course.operator.memory.step is Step.DEPLOYED
    course.stop_ends(succeeds=True, forgotten=False)
    for _ in range(4):
        course.all_goes_on()
    assert course.operator.memory.step is Step.DEPLOYED
    assert course._running


def config_maps_deleted(course: Courses) -> None:
    """Flink's, by hand; then the JobManager is replaced, and the stream edited."""
    course.works()
    course.checkpoint_completes()
    course.operator_looks(writes=None, seconds=1)
    course.high_availability_is_deleted()
    course.world.kill(course._job)
    for _ in range(3):
        course.all_goes_on()
    assert course._job.value == 1
    changed(course)
    stops(course, succeeds=True)


def one_slow_answer(course: Courses) -> None:
    """It changes nothing of what is told."""
    course.works()
    course.operator_looks(writes=None, seconds=5)
    assert course.operator.tells_of_a_job
    course.world.way = "silent"
    course.operator_looks(writes=None, seconds=5)
    assert course.operator.tells_of_a_job
    course.world.way = "open"


def silent_while_it_stops(course: Courses) -> None:
    """A ready JobManager that does not answer has not lost its job: it is given more time."""
    course.works()
    changed(course)
    for _ in range(2):
        course.operator_looks(writes=None, seconds=1)
    course.world.way = "silent"
    for _ in range(5):
        course.operator_looks(writes=None, seconds=31)
    assert course.operator.memory.step is Step.SAVEPOINTING
    course.world.way = "open"
    course.stop_ends(succeeds=True, forgotten=False)


def ended_and_replaced(course: Courses) -> None:
    """A job fails, and its JobManager is replaced before anybody has looked."""
    course.works()
    course.checkpoint_completes()
    run = course._job
    course.world.end(run, "FAILED")
    course.world.kill(run)
    for _ in range(2):
        course.all_goes_on()
    assert course.operator.memory.step is Step.ENDED


def rests_in_its_first_run(course: Courses) -> None:
    """What it has left is its own: it resumes with that, however it came to rest."""
    course.works()
    rests_and_resumes(course)
    assert (course.operator.memory.run, course._job.value) == (2, 1)


def has_read_all_and_rests(course: Courses) -> None:
    """A job that has read all of its input is followed by one that begins anew."""
    course.works()
    course.checkpoint_completes()
    course.world.end(course._job, "FINISHED")
    course.all_goes_on()
    course.suspended(wish=True)
    course.edited()
    for _ in range(4):
        course.all_goes_on()
    assert course.operator.memory.step is Step.SUSPENDED
    course.suspended(wish=False)
    for _ in range(4):
        course.all_goes_on()
    assert (course.operator.memory.run, course._job.value) == (2, 0)


def state_given_up(course: Courses) -> None:
    """Taken out of the spec of a job that has some: the job keeps it."""
    course.works()
    course.spec.given_up = True
    for _ in range(4):
        course.all_goes_on()
    assert [run.number for run in course.world.runs.values()] == [1]
    course.spec.given_up = False


@pytest.mark.parametrize(
    "course",
    [
        evicted_and_edited,
        ended_and_replaced,
        stop_refused,
        stop_done_and_refused,
        config_maps_deleted,
        one_slow_answer,
        silent_while_it_stops,
        rests_in_its_first_run,
        has_read_all_and_rests,
        state_given_up,
        restored_and_dropped,
        no_pod_can_be_made,
        status_lost,
        step_of_a_newer_operator,
        outpaced,
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

    carry_out(course, operator, manifest)


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
