"""Courses of what lies in the store: chosen to begin with, saved in time, and removed."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.carriedout import carry_out, changed, proven, stops
from tests.support.machine import Courses

from modelstream_operator.decide.memory import Step
from modelstream_operator.decide.stored import Kind

# What is chosen to begin with


def all_is_forgotten(course: Courses) -> None:
    """Nobody knows of its runs any more: it waits until somebody says what to begin with."""
    course.works()
    course.checkpoint_completes()
    course.operator_looks(writes=None, seconds=1)
    course.operator.lose_all()
    for _ in range(6):
        course.all_goes_on()
    assert not course._live
    assert course.operator.memory.step is Step.DEPLOYED
    course.another_origin("newest", greater=False)
    for _ in range(6):
        course.all_goes_on()
    assert course._job.value == 1


def chosen_while_it_runs(course: Courses) -> None:
    """The job is stopped with a savepoint, which is kept, and the next begins anew."""
    course.works()
    course.another_origin("nothing", greater=True)
    proven(course)
    stops(course, succeeds=True)
    for _ in range(4):
        course.all_goes_on()
    memory = course.operator.memory
    assert (memory.run, memory.restored_from, memory.restore_nonce) == (2, None, 1)
    assert memory.ended is not None
    assert memory.ended.left is not None


def an_older_manifest_comes_back(course: Courses) -> None:
    """What was used, and then asked for with a smaller number, changes nothing."""
    chosen_while_it_runs(course)
    course.spec.restore_nonce = 0
    course.another_origin("newest", greater=False)
    for _ in range(4):
        course.all_goes_on()
    assert course.operator.memory.run == 2
    course.spec.restore_nonce = 1


def chosen_after_the_end(course: Courses) -> None:
    """A job that has read all of its input begins with what is chosen, and not anew."""
    course.works()
    course.checkpoint_completes()
    course.job_ends("FINISHED")
    course.all_goes_on()
    course.another_origin("newest", greater=True)
    for _ in range(6):
        course.all_goes_on()
    origin = course.operator.memory.restored_from
    assert origin is not None
    assert origin.kind is not Kind.NOTHING


# Savepoints of a job that goes on


def taken_on_demand(course: Courses) -> None:
    """The job goes on, and a later change does too."""
    course.works()
    course.savepoint_asked_for()
    for _ in range(3):
        course.operator_looks(writes=None, seconds=1)
    course.save_ends(succeeds=True)
    course.all_goes_on()
    memory = course.operator.memory
    assert (memory.run, memory.savepoint_nonce, len(memory.savepoints)) == (1, 1, 1)
    changed(course)
    stops(course, succeeds=True)
    for _ in range(4):
        course.all_goes_on()
    assert len(course.operator.memory.savepoints) == 2


def change_while_one_is_taken(course: Courses) -> None:
    """The job stops for the change, and the savepoint that was asked for is taken of the next."""
    course.works()
    course.savepoint_asked_for()
    for _ in range(2):
        course.operator_looks(writes=None, seconds=1)
    assert course._job.saving
    changed(course)
    stops(course, succeeds=True)


def kept_for_hours(course: Courses) -> None:
    """One each minute; the oldest are deleted by Flink, which is replaced meanwhile."""
    course.works()
    course.savepoints_kept(2)
    for minute in range(6):
        course.works()
        for _ in range(4):
            course.operator_looks(writes=minute % 3 or None, seconds=20)
            if course._live and course._job.saving:
                course.save_ends(succeeds=minute != 2)
        if minute == 4:
            course.world.kill(course._job)
            course.all_goes_on()
    course.all_goes_on()
    assert course.world.disposed
    assert len(course.operator.memory.savepoints) <= 3


# What ended runs left


def removed_once_it_is_not_needed(course: Courses) -> None:
    """Checkpoints of a run before stay until the present one has completed its own."""
    course.works()
    course.checkpoint_completes()
    course.mode_chosen("LastState")
    changed(course)
    for _ in range(6):
        course.all_goes_on()
    (left,) = course.operator.memory.remains
    assert left.run == 1
    assert not course.world.removed
    course.checkpoint_completes()
    for _ in range(5):
        course.clock.pass_by(31)
        course.all_goes_on()
    assert course.world.removed
    assert course.operator.memory.remains == ()


def operator_dies_while_it_is_removed(course: Courses) -> None:
    """After any of its writes; nothing is removed that is needed, and all of the rest is."""
    course.works()
    course.checkpoint_completes()
    for writes in range(4):
        course.mode_chosen("LastState" if writes % 2 else "Savepoint")
        changed(course)
        for _ in range(6):
            course.all_goes_on()
            if course._live and course._job.stop:
                course.stop_ends(succeeds=True, forgotten=False)
        course.checkpoint_completes()
        for _ in range(3):
            course.operator_looks(writes=writes, seconds=31)
            course.cluster_goes_on()
    for _ in range(6):
        course.all_goes_on()
    assert len(course.operator.memory.remains) <= 1


@pytest.mark.parametrize(
    "course",
    [
        all_is_forgotten,
        chosen_while_it_runs,
        an_older_manifest_comes_back,
        chosen_after_the_end,
        taken_on_demand,
        change_while_one_is_taken,
        kept_for_hours,
        removed_once_it_is_not_needed,
        operator_dies_while_it_is_removed,
    ],
)
@pytest.mark.parametrize("operator", ["decide", "reconciler"])
def test_a_course(course: Callable[[Courses], None], operator: str, target: Any) -> None:
    manifest = {**target().manifest, "apiVersion": "modelstream.dev/v1alpha1"}
    carry_out(course, operator, manifest)
