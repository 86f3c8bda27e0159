"""New revisions that do not work, and the way back to the last one that did."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.carriedout import carry_out, changed, proven, stops
from tests.support.machine import Courses

from modelstream_operator.decide.memory import Memory, Step


def fails(course: Courses) -> Memory:
    """A revision that was Ready, then one whose job fails; what becomes of it."""
    course.works()
    course.checkpoint_completes()
    course.all_goes_on()
    assert course.operator.memory.ready == (course.operator.memory.revision,)
    changed(course)
    course.world.failing.add(course.spec.nonce)
    stops(course, succeeds=True)
    for _ in range(8):
        course.all_goes_on()
    return course.operator.memory


def rolled_back(course: Courses) -> None:
    """It runs again with all of its state, and says why."""
    memory = fails(course)
    assert (memory.step, memory.revision) == (Step.DEPLOYED, memory.ready[0])
    assert course.operator.nonce == 0
    assert course._job.value == 1
    assert memory.rollback is not None
    assert memory.rollback.cause.reason in {"JobFailed", "JobRestarting"}
    assert [each.count for each in memory.failures] == [1]


def restarts_for_ever(course: Courses) -> None:
    """A job that only restarts, without a checkpoint, gives way too."""
    course.spec.nonce = course.highest = 1
    for _ in range(6):
        course.all_goes_on()
        if course._live and course._job.stop:
            course.stop_ends(succeeds=True, forgotten=False)
    memory = fails(course)
    assert course.operator.nonce == 1
    assert memory.rollback is not None
    assert memory.rollback.cause.reason == "JobRestarting"


def tried_again_only_as_another(course: Courses) -> None:
    """Neither time nor scaling tries it; another edit is tried."""
    run = fails(course).run
    course.scaled(3)
    for _ in range(10):
        course.all_goes_on()
    assert course.operator.memory.run == run
    changed(course)
    stops(course, succeeds=True)
    for _ in range(4):
        course.all_goes_on()
    assert course.operator.nonce == 2
    assert course.operator.memory.rollback is None


def resumed(course: Courses) -> None:
    """Rest ends it: what is asked for is tried again, and fails again."""
    run = fails(course).run
    course.suspended(wish=True)
    stops(course, succeeds=True)
    for _ in range(3):
        course.all_goes_on()
    memory = course.operator.memory
    assert (memory.step, memory.rollback, memory.failures) == (Step.SUSPENDED, None, ())
    course.suspended(wish=False)
    for _ in range(8):
        course.all_goes_on()
    memory = course.operator.memory
    assert (memory.run, memory.revision) == (run + 2, memory.ready[0])


def taken_back(course: Courses) -> None:
    """The spec is what runs: nothing is left to be told."""
    fails(course)
    course.edit_taken_back()
    course.all_goes_on()
    assert course.operator.memory.rollback is None


def status_lost_on_the_way(course: Courses) -> None:
    """What failed is remembered a second time."""
    before = fails(course)
    course.operator.lose_status()
    for _ in range(4):
        course.all_goes_on()
    assert course.operator.memory.run == before.run
    assert course.operator.memory.rollback == before.rollback


def unwished(course: Courses) -> None:
    """With upgrade.rollback: false the failed one stays."""
    course.rollback_wished(wish=False)
    memory = fails(course)
    assert memory.step is Step.ENDED
    assert memory.rollback is None


def begun_anew(course: Courses) -> None:
    """The failed one had begun without state: the way back has what was left aside."""
    course.works()
    course.checkpoint_completes()
    course.all_goes_on()
    course.mode_chosen("Stateless")
    changed(course)
    course.world.failing.add(course.spec.nonce)
    for _ in range(8):
        course.all_goes_on()
    memory = course.operator.memory
    assert memory.revision == memory.ready[0]
    assert memory.restored_from is not None
    assert course._job.value == 1


def does_not_fit(course: Courses) -> None:
    """It has no operator for a part of the state: it gives way, until that may be lost."""
    course.works()
    course.checkpoint_completes()
    course.all_goes_on()
    changed(course)
    course.world.unfit.add(course.spec.nonce)
    stops(course, succeeds=True)
    for _ in range(6):
        course.all_goes_on()
    assert course.operator.nonce == 0
    course.less_is_enough(wish=True)
    proven(course)
    stops(course, succeeds=True)
    for _ in range(4):
        course.all_goes_on()
    assert course.operator.nonce == 1
    assert course.operator.memory.took_less
    run = course.operator.memory.run
    course.less_is_enough(wish=False)
    course.all_goes_on()
    assert course.operator.memory.run == run


@pytest.mark.parametrize(
    "course",
    [
        rolled_back,
        restarts_for_ever,
        tried_again_only_as_another,
        resumed,
        taken_back,
        status_lost_on_the_way,
        unwished,
        begun_anew,
        does_not_fit,
    ],
)
@pytest.mark.parametrize("operator", ["decide", "reconciler"])
def test_a_course(course: Callable[[Courses], None], operator: str, target: Any) -> None:
    manifest = {**target().manifest, "apiVersion": "modelstream.dev/v1alpha1"}
    carry_out(course, operator, manifest)
