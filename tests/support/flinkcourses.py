"""The courses of a run that the operator relies on, on a real Flink, as scenes that are recorded.

``python -m tests.support.flinkcourses [COURSE…]`` makes the recordings anew (10 minutes).
"""

import argparse
import json
import signal
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.support import flinkrecording
from tests.support.controlplane import ControlPlane
from tests.support.flinkcourse import (
    JOB,
    OTHER,
    Course,
    adopt,
    before_the_restored,
    end_of,
    ended,
    frozen,
    over,
)
from tests.support.flinkha import flink_run, stream
from tests.support.flinkrecording import Answer, Scene

from modelstream.pod.restoring import newest_of
from modelstream.pod.statestore import StateStore
from modelstream_crds.restore import TOLD_PATH, TOLD_TIME
from modelstream_operator import names
from modelstream_operator.render.config import flink_options

NAME = "scores"
NEVER_AGAIN = {"restart-strategy.type": "none"}


def life(course: Course) -> None:
    """Started, recovered by another JobManager, stopped with a savepoint, and replaced again."""
    course.start()
    course.shoot("submitting")
    course.reach("CREATED")
    course.shoot("waiting")
    course.run.start_taskmanager()
    course.runs(checkpoints=2)
    adopt(course.run)
    course.shoot("running")
    course.shoot("rescaled", {"PUT /jobs/{job}/resource-requirements": course.rescale(2)})
    course.replace_jobmanager()
    course.runs()
    course.shoot("recovered")
    with frozen(course.run, "taskmanager"):  # so that the savepoint takes its time
        asked = course.stop()
        course.shoot("stopping", {"POST /jobs/{job}/stop": asked})
    course.reach("FINISHED")
    course.cleaned()
    course.shoot("stopped", {"POST /jobs/{job}/stop": course.stop()})
    course.replace_jobmanager()
    over(course)
    course.shoot("stopped-replaced")


def failed(course: Course) -> None:
    """Failed for good, and its JobManager replaced."""
    ended(course, "FAILED", "failing")


def finished(course: Course) -> None:
    """At the end of its input, and its JobManager replaced."""
    ended(course, "FINISHED", "bounded")


def cancelled(course: Course) -> None:
    """Cancelled by somebody else, and its JobManager replaced."""
    course.start()
    course.run.start_taskmanager()
    course.runs(checkpoints=2)
    assert course.run.ask(f"/jobs/{JOB}?mode=cancel", method="PATCH")[0] == 202
    end_of(course, "CANCELED")


def restarting(course: Course) -> None:
    """Fails again and again."""
    course.start("failing")
    course.run.start_taskmanager()
    course.reach("RESTARTING")
    course.shoot("restarting")


def unsaved(course: Course) -> None:
    """A stop whose savepoint cannot be written; the job goes on."""
    course.start()
    course.run.start_taskmanager()
    course.runs()
    asked = course.stop("file:///proc/nowhere")
    course.run.until(lambda: '"COMPLETED"' in course.savepoint(), "the savepoint goes on")
    course.runs()
    course.shoot("savepoint-failed", {"POST /jobs/{job}/stop": asked})


def kept(course: Course) -> None:
    """A savepoint of a job that goes on, which Flink disposes of; and once more."""
    course.start()
    course.run.start_taskmanager()
    course.runs()
    asked = course.save()
    course.run.until(lambda: '"COMPLETED"' in course.savepoint(), "the savepoint goes on")
    course.shoot("saved", {"POST /jobs/{job}/savepoints": asked})
    path = json.loads(course.savepoint())["operation"]["location"]
    course.shoot("disposed", course.dispose(path))
    course.shoot("disposed-again", course.dispose(path))


def lost(course: Course) -> None:
    """Without its TaskManager; then a JobManager with another job over what is left of it."""
    course.start()
    course.run.start_taskmanager()
    course.runs(checkpoints=2)
    course.run.end("taskmanager", signal.SIGKILL)
    course.reach("CREATED")
    course.shoot("taskmanager-lost")
    course.run.end("jobmanager", signal.SIGTERM)
    course.shoot("terminated")
    course.start(job=OTHER)
    course.reach("FAILED")
    course.cleaned()
    course.shoot("plan-of-another")


def restored(course: Course) -> None:
    """From the newest checkpoint of the run before, whose JobManager was taken away."""
    before_the_restored(course)
    store = StateStore.of("file:///", {}, {})
    root = flink_options(course.run.target)["execution.checkpointing.dir"]
    root = root.replace(f"file://{names.STATE_DIR}", course.run.state.as_uri())
    newest = newest_of(store, f"{root}/{OTHER}", root.replace("checkpoints", "savepoints"))
    assert newest is not None
    assert newest.address.endswith(f"/chk-{newest.number}")
    course.run.extra = {TOLD_PATH: newest.address, TOLD_TIME: f"{newest.time:.0f}"}
    course.start(restore_from=newest.address)
    course.run.start_taskmanager()
    course.runs()
    said = Answer(*course.run.ask("/jobmanager/config"))
    told = [each for each in said.body if each["key"] in _OF_RESTORING]
    course.shoot("restored", {"GET /jobmanager/config": Answer(said.status, told)})


_OF_RESTORING = {TOLD_PATH, TOLD_TIME, "execution.state-recovery.path"}


def unresourced(course: Course) -> None:
    """No TaskManager comes in the time that Flink waits for one."""
    course.start()
    end_of(course, "FAILED")


def unrestorable(course: Course) -> None:
    """The savepoint to start from is not there; Flink looks when it has TaskManagers."""
    course.start(restore_from="file:///nowhere/savepoint-1")
    course.run.start_taskmanager()
    end_of(course, "FAILED")


COURSES: Mapping[str, tuple[Callable[[Course], None], Mapping[str, str]]] = {
    "life": (life, {}),
    "failed": (failed, NEVER_AGAIN),
    "finished": (finished, {}),
    "cancelled": (cancelled, {}),
    "restarting": (restarting, {}),
    "unsaved": (unsaved, {}),
    "kept": (kept, {}),
    "lost": (lost, {}),
    "restored": (restored, {}),
    "unresourced": (
        unresourced,
        {"jobmanager.adaptive-scheduler.submission.resource-wait-timeout": "2 s"},
    ),
    "unrestorable": (unrestorable, {}),
}


def record(plane: ControlPlane, name: str) -> list[Scene]:
    """Go through a course from its beginning to its end; its scenes."""
    play, extra = COURSES[name]
    namespace = f"course-{name}-{time.monotonic_ns() % 10**8}"
    root = "/api/v1/namespaces"
    plane.request("POST", root, {"metadata": {"name": namespace}})
    plane.request("POST", f"{root}/{namespace}/configmaps", {"metadata": {"name": "owner"}})
    target = stream(NAME, namespace, JOB)
    with (
        tempfile.TemporaryDirectory(prefix="course-", ignore_cleanup_errors=True) as directory,
        flink_run(plane, Path(directory), target, extra) as run,
    ):
        course = Course(run)
        play(course)
        return course.scenes


def main() -> None:
    """Make recordings anew."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("courses", nargs="*", metavar="COURSE", help=", ".join(COURSES))
    with ControlPlane.start() as plane:
        for name in parser.parse_args().courses or COURSES:
            began = time.monotonic()
            flinkrecording.write(name, record(plane, name))
            print(f"{name}: {time.monotonic() - began:.0f} s", flush=True)


if __name__ == "__main__":
    main()
