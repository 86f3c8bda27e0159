"""The course of a job that was built: it is submitted, watched, and ends by itself or is ended."""

import contextlib
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelstream import reasons
from modelstream.cli import ending
from modelstream.cli.colours import Colour, painted
from modelstream.cli.events import Events, counted
from modelstream.cli.exits import RecordsRefusedError
from modelstream.cli.outputs import Output
from modelstream.cli.progress import is_silent
from modelstream.cli.watch import Watch
from modelstream.errors import JobError
from modelstream.flink.jvm.jobstate import job_state
from modelstream_crds.v1alpha1 import RuntimeMode

if TYPE_CHECKING:
    from modelstream.job.build import BuiltJob

_POLL_SECONDS = 0.1
_STATE_SECONDS = 1.0
_STOPPING = "stopping with a last checkpoint (Ctrl-C again ends at once)"
_GOES_ON = "--restore latest goes on from there, with what is not published yet"
_SAVEPOINTS = "execution.checkpointing.savepoint-dir"


@dataclass
class Course:
    """One job from its submission to its end.

    Attributes:
        job: what runs.
        watch: shows it.
        outputs: where it leaves files on this machine.
        fail_on: so many records that are not scored end it.
        events: is told too; None where nobody asked.
    """

    job: "BuiltJob"
    watch: Watch
    outputs: Sequence[Output]
    fail_on: int | None = None
    events: Events | None = None
    _client: Any = None

    def run(self) -> None:
        """Run the job to its end, and say what came of it.

        Raises:
            JobError: it failed.
            RecordsRefusedError: no record was scored, or ``fail_on`` of them were not.
        """
        self.watch.redact = self.job.secrets.redact
        try:
            with self.watch.ticking():
                self._work()
        except RecordsRefusedError:
            self._end()
            raise
        except JobError:
            self._say("failed")
            raise
        except Exception:
            raise
        except BaseException:
            self._end()
            raise
        self._say("finished")
        self._judge()

    def _work(self) -> None:
        if self.job.inserts is None:
            self.watch.now("running the program")
            self.job.submit()
            return
        self.watch.now("starting the job")
        self._client = self.job.submit()
        with self.job.translated():
            result = self._client.get_job_execution_result()
            looks = self._looks()
            while not result.done():
                next(looks)
                self._check_failures()
                time.sleep(_POLL_SECONDS)
            result.result()

    def _looks(self) -> Iterator[None]:
        """Ask Flink for the job's state now and then."""
        due = 0.0
        while True:
            if time.monotonic() >= due:
                self.watch.told(job_state(self._client))
                due = time.monotonic() + _STATE_SECONDS
            yield

    def _check_failures(self) -> None:
        failures = self.watch.numbers().failures
        if self.fail_on is not None and failures >= self.fail_on:
            raise _refused(f"{failures:,} records were not scored, and {self.fail_on:,} are enough")

    def _judge(self) -> None:
        now = self.watch.numbers()
        self._check_failures()
        if now.records and not now.scored:
            raise _refused(f"none of the {now.records:,} records that were read was scored")

    def _end(self) -> None:
        """End what runs: a stream with a last checkpoint, unless that is interrupted too."""
        batch = self.job.spec.flink.runtime_mode is RuntimeMode.BATCH
        clients = [self._client] if self._client else [each.client for each in self.job.jobs]
        try:
            with (
                ending.savepoints(self.job.options.get(_SAVEPOINTS)) as place,
                self.watch.ticking(),
            ):
                self.watch.now("cancelling" if batch else _STOPPING)
                refused = ending.stop(clients, None if batch else place)
        except Exception:
            raise
        except BaseException:
            from modelstream.cli.flink import hurry

            hurry()
            self._say("ended at once, without a last checkpoint,")
            raise
        if refused is None:
            self._say("stopped with a last checkpoint")
            if place.kept:
                print(f"  {_GOES_ON}", file=sys.stderr)
        else:
            self._say("cancelled", self.watch.redact(str(refused)))

    def _say(self, how: str, why: str = "") -> None:
        """The last lines: numbers, places, reasons."""
        self._event(how)
        if is_silent() and how == "finished":
            return
        said = self.watch.summary(self.job.name, painted(how, _shown_as(how), sys.stderr))
        print(f"{said}{why}", file=sys.stderr)
        with contextlib.suppress(OSError):  # a directory that may not be listed
            for output in self.outputs:
                print(f"  {output}", file=sys.stderr)
        if self.watch.numbers().failures:
            for line in reasons.noted().lines():
                print(f"  not scored {line}", file=sys.stderr)

    def _event(self, how: str) -> None:
        if self.events is not None:
            places = [
                {"what": e.what, "path": e.path, "files": len(e.published)} for e in self.outputs
            ]
            numbers = counted(self.watch.numbers())
            found = reasons.noted().lines()
            self.events.happened("end", how=how, **numbers, outputs=places, reasons=found)


def _shown_as(how: str) -> Colour:
    return {"finished": Colour.GOOD, "failed": Colour.WRONG}.get(how, Colour.NOTE)


def _refused(why: str) -> RecordsRefusedError:
    return RecordsRefusedError("\n".join([why, *reasons.noted().lines()]))
