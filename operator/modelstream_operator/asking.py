"""What Flink says to one pass: of a job, that there is none, or nothing at all."""

import logging
from collections.abc import Awaitable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, TypeVar

from modelstream_operator.decide.ask import AskKind
from modelstream_operator.decide.cause import root_cause
from modelstream_operator.decide.checkpoints import ASKED, Health
from modelstream_operator.decide.decision import Answer
from modelstream_operator.decide.job import (
    TERMINAL,
    Checkpoints,
    Disposal,
    Job,
    JobState,
    SavepointAnswer,
)
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.stored import Found, Kind
from modelstream_operator.flink import Flink, FlinkError
from modelstream_operator.resources import Key

T = TypeVar("T")

logger = logging.getLogger(__name__)

COUNTED = 5
"""The most failures of a job that Flink is asked for, and that are counted."""
EXCEPTIONS = 3
"""Failures of a job that is over which status tells, the newest first."""

_UNKNOWN_JOB = "NotFoundException"
"""In what a JobManager says of a job that it does not know."""


@dataclass
class Heard:
    """How often in a row, and since when, the same was answered about one run."""

    run: int = 0
    answer: object = None
    times: int = 0
    since: datetime | None = None
    health: Health | None = None
    """How the checkpoints of ``health_of`` were when they were asked for."""
    health_of: int = 0
    health_at: datetime | None = None
    disposals: dict[str, str] = field(default_factory=dict)
    """What Flink calls the disposal that was asked for last, by our own id of it."""

    def again(self, run: int, answer: object, now: datetime) -> tuple[int, timedelta]:
        """Count one more answer; returns how many there are, and for how long."""
        goes_on = (run, answer) == (self.run, self.answer)
        if not goes_on or self.since is None or now < self.since:
            self.run, self.answer, self.times, self.since = run, answer, 0, now
        self.times += 1
        return self.times, now - self.since


@dataclass(frozen=True)
class FlinkAnswers:
    """What Flink said; empty where nobody was asked."""

    answer: Answer = Answer.NOT_ASKED
    times: int = 1
    lasting: timedelta = timedelta()
    job: Job | None = None
    failures: tuple[str, ...] = ()
    restarts: int = 0
    """How many failures of a job that goes on Flink knows, as far as they are counted."""
    checkpoints: Checkpoints | None = None
    savepoint: SavepointAnswer | None = None
    bounds: frozenset[int] = frozenset()
    found: Found | None = None
    application_runs: bool = True
    health: Health | None = None
    disposal: Disposal | None = None

    @property
    def kind(self) -> object:
        """What makes two answers the same."""
        failed = self.job is not None and self.job.state == JobState.FAILED
        return self.answer, failed and not self.failures


@dataclass(frozen=True)
class Questions:
    """To the JobManager of one run."""

    flink: Flink
    url: str
    key: Key
    memory: Memory
    rescales: bool
    """Whether the job's parallelism is of interest."""
    saves: bool = False
    """Whether its checkpoints are."""

    async def ask(self, heard: Heard, now: datetime) -> FlinkAnswers:
        """Everything that the present step needs to know."""
        try:
            answers = await self._answers(heard)
        except FlinkError as error:
            logger.info("%s/%s: Flink: %s", *self.key, error)
            answers = FlinkAnswers(Answer.SILENT)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            logger.warning("%s/%s: Flink's answer cannot be read: %r", *self.key, error)
            answers = FlinkAnswers(Answer.SILENT)
        times, lasting = heard.again(self.memory.run, answers.kind, now)
        health = await self._health(heard, answers.job, now)
        return replace(answers, times=times, lasting=lasting, health=health)

    async def _health(self, heard: Heard, job: Job | None, now: datetime) -> Health | None:
        """How the job's checkpoints do; what was said last holds for a while."""
        memory = self.memory
        known = heard.health if heard.health_of == memory.run else None
        late = heard.health_at is None or now - heard.health_at >= ASKED
        runs = job is not None and job.settled and memory.step is Step.DEPLOYED
        if not self.saves or not runs or (known is not None and not late):
            return known
        try:
            answer = await self._optional(self.flink.checkpoints(self.url, memory.job_id))
        except FlinkError as error:
            logger.info("%s/%s: Flink: %s", *self.key, error)
            return known
        known = Health.of(answer) if answer is not None else known
        heard.health, heard.health_of, heard.health_at = known, memory.run, now
        return known

    async def _answers(self, heard: Heard) -> FlinkAnswers:
        job = await self._job()
        if job is None:
            return await self._application()
        savepoint = await self._savepoint()
        failures = await self._failures(job)
        over = job.ended or (self.memory.step is Step.SAVEPOINTING and savepoint is None)
        return FlinkAnswers(
            answer=Answer.JOB,
            job=job,
            failures=failures if job.ended else failures[:1],
            restarts=0 if job.ended else len(failures),
            checkpoints=await self._checkpoints() if over else None,
            savepoint=savepoint,
            bounds=await self._bounds(job),
            found=await self._found(),
            disposal=await self._disposal(heard),
        )

    async def _job(self) -> Job | None:
        for each in await self.flink.jobs(self.url):
            if each["jid"] == self.memory.job_id:
                return Job.of(each)
        return None

    async def _application(self) -> FlinkAnswers:
        """Whether the program may still submit its job, and why it will not."""
        found = await self.flink.applications(self.url)
        runs = any(each["status"] not in TERMINAL for each in found)
        failures = await self._of_program(found)
        return FlinkAnswers(Answer.NO_JOB, failures=failures, application_runs=runs)

    async def _of_program(self, applications: list[dict[str, Any]]) -> tuple[str, ...]:
        failed = [each["id"] for each in applications if each["status"] == JobState.FAILED]
        traces = [await self.flink.application_exceptions(self.url, each) for each in failed]
        return tuple(root_cause(trace) for each in traces for trace in each)

    async def _failures(self, job: Job) -> tuple[str, ...]:
        if job.settled or job.state in {JobState.FINISHED, JobState.CANCELED}:
            return ()
        most = EXCEPTIONS if job.ended else COUNTED
        found = await self._optional(self.flink.exceptions(self.url, self.memory.job_id, most))
        if not found and job.ended:  # it failed before its first task: only its program knows why
            applications = await self._optional(self.flink.applications(self.url))
            return await self._of_program(applications or [])
        return tuple(root_cause(trace) for trace in found or ())

    async def _checkpoints(self) -> Checkpoints:
        """What the job has kept; a batch job has kept nothing, and Flink says so by an error.

        An error does not mean that where a proxy answers, or a JobManager that was replaced
        meanwhile and knows no job: it would seem to have left nothing.

        Raises:
            FlinkError: what the job has kept is not known.
        """
        job_id = self.memory.job_id
        try:
            return Checkpoints.of(await self.flink.checkpoints(self.url, job_id), job_id)
        except FlinkError as error:
            if not error.own or _UNKNOWN_JOB in str(error):
                raise
            return Checkpoints()

    async def _savepoint(self) -> SavepointAnswer | None:
        asked, step = self.memory.ask, self.memory.step
        if step not in {Step.SAVEPOINTING, Step.DEPLOYED} or asked is None:
            return None
        if asked.trigger_id is None or asked.kind is AskKind.DISPOSAL:
            return None
        answer = await self.flink.savepoint(self.url, self.memory.job_id, asked.trigger_id)
        if answer is None or answer.get("status", {}).get("id") != "COMPLETED":
            return None if answer is None else SavepointAnswer()
        operation = answer.get("operation") or {}
        path = operation.get("location")
        if path:
            return SavepointAnswer(path)
        cause = (operation.get("failure-cause") or {}).get("stack-trace", "")
        return SavepointAnswer(
            failure=root_cause(cause) or "Flink names neither a path nor a cause"
        )

    async def _disposal(self, heard: Heard) -> Disposal | None:
        """How the one went that was asked for; a JobManager that was replaced is asked again."""
        asked = self.memory.ask
        if asked is None or asked.kind is not AskKind.DISPOSAL or asked.trigger_id is None:
            return None
        request = heard.disposals.get(asked.trigger_id)
        answer = await self.flink.disposal(self.url, request) if request else None
        if answer is None:
            heard.disposals = {}
            return None
        if answer.get("status", {}).get("id") != "COMPLETED":
            return None
        cause = (answer.get("operation") or {}).get("failure-cause") or {}
        return Disposal(root_cause(cause["stack-trace"]) if cause else "")

    async def _bounds(self, job: Job) -> frozenset[int]:
        deployed = self.memory.step is Step.DEPLOYED
        if not self.rescales or job.state != JobState.RUNNING or not deployed:
            return frozenset()
        found = await self._optional(self.flink.resources(self.url, self.memory.job_id))
        each = (found or {}).values()
        return frozenset(int(vertex["parallelism"]["upperBound"]) for vertex in each)

    async def _found(self) -> Found | None:
        """What the JobManager had to look for, as long as it is not known."""
        sought, step = self.memory.restored_from, self.memory.step
        if sought is None or sought.kind is not Kind.NEWEST or step is not Step.DEPLOYED:
            return None
        return Found.of(await self._optional(self.flink.configuration(self.url)) or {})

    async def _optional(self, question: Awaitable[T]) -> T | None:
        """What may be refused without hiding what is known of the job; silence is silence."""
        try:
            return await question
        except FlinkError as error:
            if not error.status:
                raise
            logger.info("%s/%s: Flink: %s", *self.key, error)
            return None
