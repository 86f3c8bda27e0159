"""Edits that cannot run, and what becomes of the job that does: nothing."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.carriedout import carry_out, changed, stops
from tests.support.machine import Courses

from modelstream_operator.decide.memory import Step


def bad_edit(course: Courses) -> None:
    """What cannot run is not tried, however often it is looked at, and the job goes on."""
    course.works()
    course.edited(bad=True)
    for _ in range(6):
        course.all_goes_on()
    assert [run.number for run in course.world.runs.values()] == [1]
    prepared = course.operator.memory.prepared
    assert prepared is not None
    assert prepared.error.startswith("FetchFailed: ")
    assert prepared.deadline is not None


def bad_edit_taken_back(course: Courses) -> None:
    """What runs is asked for again: nothing of the proof stays."""
    bad_edit(course)
    course.edit_taken_back()
    course.all_goes_on()
    assert course.operator.memory.prepared is None
    assert not course.world.proofs
    assert [run.number for run in course.world.runs.values()] == [1]


def bad_edit_mended(course: Courses) -> None:
    """The next edit is proven at once, and is the next run under the number of its proof."""
    bad_edit(course)
    changed(course)
    stops(course, succeeds=True)
    for _ in range(4):
        course.all_goes_on()
    memory = course.operator.memory
    assert (memory.step, memory.prepared) == (Step.DEPLOYED, None)
    assert memory.run > 2
    assert list(course.world.runs) == [1, memory.run]


def edited_while_a_savepoint_has_failed(course: Courses) -> None:
    """The job runs until the next attempt: what is asked for by then is proven first."""
    course.works()
    changed(course)
    stops(course, succeeds=False)
    course.operator_looks(writes=None, seconds=1)
    assert course.operator.memory.step is Step.SAVEPOINTING
    course.edited(bad=True)
    for _ in range(20):
        course.all_goes_on()
    assert [run.number for run in course.world.runs.values()] == [1]


def edited_while_it_stops(course: Courses, *, bad: bool) -> None:
    """A first change is proven, and the job has stopped for it; then comes another one."""
    course.works()
    changed(course)
    stops(course, succeeds=True)
    course.operator_looks(writes=None, seconds=1)
    assert course.operator.memory.step is Step.TEARING_DOWN
    course.edited(bad=bad)
    for _ in range(6):
        course.all_goes_on()


def good_edit_while_it_stops(course: Courses) -> None:
    """It is proven in the meantime, and the next run."""
    edited_while_it_stops(course, bad=False)
    assert course.operator.nonce == 2
    assert len(course.world.runs) == 2


def bad_edit_while_it_stops(course: Courses) -> None:
    """The first one runs, and the other one waits beside it."""
    edited_while_it_stops(course, bad=True)
    assert course.operator.nonce == 1
    memory = course.operator.memory
    assert memory.prepared is not None
    assert memory.prepared.instead == memory.revision
    assert len(course.world.runs) == 2


def slow_proof_while_it_stops(course: Courses) -> None:
    """It is not waited for longer than two minutes, and goes on beside the first one."""
    course.proofs_are_slow(wish=False)
    course.works()
    changed(course)
    course.proofs_are_slow(wish=True)
    stops(course, succeeds=True)
    course.edited()
    for _ in range(14):
        course.all_goes_on()
    assert course.operator.nonce == 1
    course.proofs_are_slow(wish=False)


def scaled_beside_a_bad_edit(course: Courses) -> None:
    """The job that runs is scaled, whatever waits for its proof."""
    bad_edit(course)
    course.scaled(3)
    for _ in range(2):
        course.all_goes_on()
    assert course.world.runs[1].bound == 3


@pytest.mark.parametrize(
    "course",
    [
        bad_edit,
        bad_edit_taken_back,
        bad_edit_mended,
        edited_while_a_savepoint_has_failed,
        good_edit_while_it_stops,
        bad_edit_while_it_stops,
        slow_proof_while_it_stops,
        scaled_beside_a_bad_edit,
    ],
)
@pytest.mark.parametrize("operator", ["decide", "reconciler"])
def test_a_course(course: Callable[[Courses], None], operator: str, target: Any) -> None:
    manifest = {**target().manifest, "apiVersion": "modelstream.dev/v1alpha1"}
    carry_out(course, operator, manifest)
