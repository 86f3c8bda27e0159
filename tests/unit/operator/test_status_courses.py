"""Status that somebody takes a part out of, or restores from a backup; and its second copy."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.carriedout import carry_out, changed, rests_and_resumes, stops
from tests.support.machine import Courses
from tests.support.wholeoperator import Whole

from modelstream_operator.decide.memory import Step
from modelstream_operator.names import ANNOTATION_DIGESTS, ANNOTATION_MEMORY
from modelstream_operator.resources import CONTROLLER_REVISION


def restored(course: Courses) -> None:
    """A second run, which has begun with what the first has left."""
    course.works()
    changed(course)
    stops(course, succeeds=True)
    for _ in range(4):
        course.all_goes_on()
    course.works()
    course.checkpoint_completes()
    course.all_goes_on()
    assert (course.operator.memory.step, course.operator.memory.run) == (Step.DEPLOYED, 2)


def goes_on(course: Courses) -> None:
    """Nothing is started anew for it, and the next change keeps what there is."""
    for _ in range(4):
        course.all_goes_on()
    assert list(course.world.runs) == [1, 2]
    changed(course)
    stops(course, succeeds=True)
    for _ in range(4):
        course.all_goes_on()
    assert course._job.value == 2


def without(field: str) -> Callable[[Courses], None]:
    """Somebody takes a field out of the status of a job that runs."""

    def course(course: Courses) -> None:
        restored(course)
        course.operator.lose_of_status(field)
        goes_on(course)

    course.__name__ = f"without_{field}"
    return course


def at_rest_without(field: str) -> Callable[[Courses], None]:
    """Somebody takes a field out of the status of a suspended stream: it resumes with all of it."""

    def course(course: Courses) -> None:
        restored(course)
        course.suspended(wish=True)
        stops(course, succeeds=True)
        for _ in range(4):
            course.all_goes_on()
        course.operator.lose_of_status(field)
        course.suspended(wish=False)
        for _ in range(4):
            course.all_goes_on()
        assert course._job.value == 2

    course.__name__ = f"at_rest_without_{field}"
    return course


def backup_of_an_earlier_run(course: Courses) -> None:
    """It is not begun again beside the one that runs."""
    restored(course)
    course.operator.restore_status(0)
    goes_on(course)


def backup_of_a_suspension(course: Courses) -> None:
    """The stream has been resumed since."""
    course.works()
    rests_and_resumes(course)
    course.works()
    course.checkpoint_completes()
    course.all_goes_on()
    run = course.operator.memory.run
    course.operator.restore_status(-1)
    for _ in range(4):
        course.all_goes_on()
    assert (course.operator.memory.run, course._job.value) == (run, 2)


def garbled(annotation: str) -> Callable[[Courses], None]:
    """Somebody edits an annotation of what a run is made of: the stream is served all the same."""

    def course(course: Courses) -> None:
        restored(course)
        assert isinstance(course.operator, Whole)
        for ref in list(course.operator.cluster.objects):
            if ref.kind == CONTROLLER_REVISION.kind:
                course.operator.cluster.somebody_annotates(ref, annotation, "{nonsense")
        goes_on(course)

    course.__name__ = f"garbled_{annotation.rpartition('/')[2]}"
    return course


@pytest.mark.parametrize(
    "course",
    [
        *(without(field) for field in ("run", "revision", "step", "job", "restoredFrom", "ended")),
        *(at_rest_without(field) for field in ("run", "revision", "job", "restoredFrom", "ended")),
        backup_of_an_earlier_run,
        backup_of_a_suspension,
        garbled(ANNOTATION_DIGESTS),
        garbled(ANNOTATION_MEMORY),
    ],
)
def test_a_course(course: Callable[[Courses], None], target: Any) -> None:
    manifest = {**target().manifest, "apiVersion": "modelstream.dev/v1alpha1"}

    carry_out(course, "reconciler", manifest)
