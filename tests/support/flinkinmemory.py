"""Flink's REST interface in memory, over the runs of a stream's world."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.support.streamworld import Run, World

from modelstream_operator.flink import FlinkError

_OF_OTHERS = {"jid": "f" * 32, "state": "FAILED"}
"""A job that the program has submitted under no id of ours."""


@dataclass
class FlinkInMemory:
    """Flink's REST interface as the operator's client has it; the URL is the run's number."""

    world: World

    def _run(self, url: str) -> Run:
        if self.world.way == "silent":
            raise FlinkError(0, "timeout")
        if self.world.way == "refused":
            raise FlinkError(503, "upstream", own=False)
        return self.world.runs[int(url)]

    def _asks_for_something(self) -> None:
        if self.world.way == "read-only":
            raise FlinkError(403, "RBAC: access denied", own=False)

    def _answered(self) -> None:
        if self.world.way == "lost":
            raise FlinkError(0, "timeout")
        if self.world.way == "late":
            raise FlinkError(504, "upstream request timeout", own=False)

    def _of(self, url: str, job: str) -> Run:
        run = self._run(url)
        if run.job is None or run.job_id != job:
            raise FlinkError(404, "NotFoundException: Job not found")
        return run

    async def jobs(self, url: str) -> list[dict[str, Any]]:
        run = self._run(url)
        if run.job is None:
            return [_OF_OTHERS]
        running = 2 if run.job == "RUNNING" else 0
        times = {"start-time": 0, "duration": 60_000, "last-modification": 0}
        tasks = {"running": running, "finished": 0, "total": 2}
        return [_OF_OTHERS, {"jid": run.job_id, "state": run.job, "tasks": tasks, **times}]

    async def exceptions(self, url: str, job: str, most: int) -> list[str]:
        run = self._of(url, job)
        failed = run.job in {"FAILED", "RESTARTING"}
        return ["java.lang.RuntimeException: boom"] * min(most, max(run.failures, failed))

    async def checkpoints(self, url: str, job: str) -> dict[str, Any]:
        run = self._of(url, job)
        latest: dict[str, Any] = {}
        if run.checkpoint:
            latest["completed"] = _kept(run.checkpoint, 1, "CHECKPOINT")
        if run.stopped_with:
            latest["savepoint"] = _kept(run.stopped_with, 2, "SYNC_SAVEPOINT")
        return {"latest": latest}

    async def configuration(self, url: str) -> dict[str, str]:
        run = self._run(url)
        return {"modelstream.restore.path": run.told or ""} if run.restore.newest else {}

    async def applications(self, url: str) -> list[dict[str, Any]]:
        self._run(url)
        return [{"id": "x", "status": "FAILED"}] if self.world.broken else []

    async def application_exceptions(self, url: str, application: str) -> list[str]:
        return ["java.lang.IllegalArgumentException: no such table"]

    async def savepoint(self, url: str, job: str, trigger: str) -> Mapping[str, Any] | None:
        run = self._run(url)
        if trigger in {run.stop, run.saving and run.saving[0]}:
            return {"status": {"id": "IN_PROGRESS"}}
        return run.answers.get(trigger)

    async def take_savepoint(self, url: str, job: str, directory: str, trigger: str) -> None:
        run = self._of(url, job)
        self._asks_for_something()
        assert directory.startswith(f"{run.root}/"), f"no pod of run {run.number} has {directory}"
        if run.job != "RUNNING":
            raise FlinkError(409, "not all tasks run")
        if trigger not in run.answers:
            run.saving = trigger, directory
        self._answered()

    async def dispose_savepoint(self, url: str, path: str) -> str:
        self._run(url)
        self._asks_for_something()
        self.world.disposals[f"r{len(self.world.disposals)}"] = self.world.dispose(path)
        self._answered()
        return f"r{len(self.world.disposals) - 1}"

    async def disposal(self, url: str, request: str) -> Mapping[str, Any] | None:
        self._run(url)
        return self.world.disposals.get(request)

    async def stop_with_savepoint(self, url: str, job: str, directory: str, trigger: str) -> None:
        run = self._of(url, job)
        self._asks_for_something()
        assert directory.startswith(f"{run.root}/"), f"no pod of run {run.number} has {directory}"
        if run.job != "RUNNING":
            raise FlinkError(409, "not all tasks run")
        if trigger not in run.answers:
            run.stop, run.directory = trigger, directory
        self._answered()

    async def resources(self, url: str, job: str) -> dict[str, Any]:
        return {"v": {"parallelism": {"upperBound": self._of(url, job).bound}}}

    async def rescale(self, url: str, job: str, bounds: Mapping[str, int]) -> None:
        run = self._of(url, job)
        self._asks_for_something()
        run.bound = bounds["v"]
        self._answered()


_LATER = 4_102_444_800_000
"""A time after all that the tests' clock comes to, in milliseconds."""


def _kept(path: str, number: int, kind: str) -> dict[str, Any]:
    """As of now: later than whatever was before."""
    found = {"external_path": path, "id": number, "checkpoint_type": kind}
    return {**found, "latest_ack_timestamp": _LATER}
