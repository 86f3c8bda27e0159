"""Courses of a stream, carried out: by ``decide`` alone, or by the operator as it is."""

import asyncio
from collections.abc import Callable

from tests.support.machine import Courses
from tests.support.pureoperator import Pure
from tests.support.steered import Clock, Operator
from tests.support.streamworld import World
from tests.support.wholeoperator import Whole

from modelstream_operator.resources import Manifest


def carry_out(course: Callable[[Courses], None], operator: str, manifest: Manifest) -> None:
    """A course of a stream that runs, to its end: it comes to rest, and is deleted."""

    class Here(Courses):
        @staticmethod
        def make(world: World, clock: Clock, loop: asyncio.AbstractEventLoop) -> Operator:
            if operator == "decide":
                return Pure(world, clock, loop)
            return Whole(world, clock, loop, manifest)

    there = Here()
    try:
        there.created()
        for _ in range(3):
            there.all_goes_on()
        course(there)
    finally:
        there.teardown()


def changed(course: Courses) -> None:
    """An edit, which is proven."""
    course.edited()
    proven(course)


def proven(course: Courses) -> None:
    """What was asked for last is proven, as soon as somebody looks."""
    course.operator_looks(writes=None, seconds=1)
    course.cluster_goes_on()


def stops(course: Courses, *, succeeds: bool, forgotten: bool = False) -> None:
    """A stop is asked for, and ends."""
    for _ in range(2):
        course.operator_looks(writes=None, seconds=1)
    course.stop_ends(succeeds=succeeds, forgotten=forgotten)


def rests_and_resumes(course: Courses) -> None:
    """The stream is suspended with a savepoint, and goes on from it once that is over."""
    course.suspended(wish=True)
    stops(course, succeeds=True)
    for _ in range(4):
        course.all_goes_on()
    course.suspended(wish=False)
    for _ in range(4):
        course.all_goes_on()
