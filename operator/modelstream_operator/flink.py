"""Flink's REST interface, as much of it as the operator asks."""

import json
from collections.abc import Mapping
from typing import Any

import aiohttp

from modelstream_operator import metrics

_LONGEST = 500
"""Characters of a refusal that are told."""


class FlinkError(Exception):
    """Flink did not answer (status 0), or it, or somebody on the way, answered with an error."""

    def __init__(self, status: int, message: str, *, own: bool = True) -> None:
        super().__init__(message)
        self.status = status
        self.own = own and status not in {0, 503}
        """Whether Flink itself means it: a proxy has no say, nor has a Flink that still starts."""


class Flink:
    """One client for all clusters; every method takes the base URL of one."""

    def __init__(self, timeout: float = 5.0) -> None:
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()

    async def jobs(self, url: str) -> list[dict[str, Any]]:
        """Every job that the JobManager knows, with its state and its tasks counted by state."""
        answer = await self._ask("GET", f"{url}/jobs/overview")
        return _listed(answer, "jobs", url)

    async def exceptions(self, url: str, job: str, most: int) -> list[str]:
        """The newest failures of a job with their stack traces, the newest first."""
        answer = await self._ask("GET", f"{url}/jobs/{job}/exceptions?maxExceptions={most}")
        return _traces(answer)

    async def checkpoints(self, url: str, job: str) -> dict[str, Any]:
        """What the job has kept: ``latest`` has the newest checkpoint, savepoint and restore."""
        return await self._ask("GET", f"{url}/jobs/{job}/checkpoints")

    async def configuration(self, url: str) -> dict[str, str]:
        """The options that the JobManager was started with."""
        answer = await self._ask("GET", f"{url}/jobmanager/config")
        return {each["key"]: each["value"] for each in _listed(answer, "list", url)}

    async def applications(self, url: str) -> list[dict[str, Any]]:
        """Every application that the JobManager knows: the program, with its state."""
        answer = await self._ask("GET", f"{url}/applications/overview")
        return _listed(answer, "applications", url)

    async def application_exceptions(self, url: str, application: str) -> list[str]:
        """Why an application has failed, with the stack traces."""
        return _traces(await self._ask("GET", f"{url}/applications/{application}/exceptions"))

    async def stop_with_savepoint(self, url: str, job: str, directory: str, trigger: str) -> None:
        """Begin to stop under a trigger id of ours: asking twice begins once."""
        body = {"targetDirectory": directory, "drain": False, "triggerId": trigger}
        await self._ask("POST", f"{url}/jobs/{job}/stop", body)

    async def take_savepoint(self, url: str, job: str, directory: str, trigger: str) -> None:
        """Begin a savepoint of a job that goes on: asking twice under one id begins once."""
        body = {"target-directory": directory, "cancel-job": False, "triggerId": trigger}
        await self._ask("POST", f"{url}/jobs/{job}/savepoints", body)

    async def dispose_savepoint(self, url: str, path: str) -> str:
        """Begin to delete a savepoint; returns the id of the request."""
        answer = await self._ask("POST", f"{url}/savepoint-disposal", {"savepoint-path": path})
        return str(answer["request-id"])

    async def disposal(self, url: str, request: str) -> dict[str, Any] | None:
        """How a disposal is doing; None when Flink does not know the request."""
        return await self._known("GET", f"{url}/savepoint-disposal/{request}")

    async def savepoint(self, url: str, job: str, trigger: str) -> dict[str, Any] | None:
        """How the savepoint of a trigger id is doing; None when Flink does not know the id."""
        return await self._known("GET", f"{url}/jobs/{job}/savepoints/{trigger}")

    async def _known(self, method: str, url: str) -> dict[str, Any] | None:
        try:
            return await self._ask(method, url)
        except FlinkError as error:
            if error.status == 404 and error.own:
                return None
            raise

    async def resources(self, url: str, job: str) -> dict[str, Any]:
        """The parallelism that each vertex may have: ``{id: {parallelism: {upperBound}}}``."""
        return await self._ask("GET", f"{url}/jobs/{job}/resource-requirements")

    async def rescale(self, url: str, job: str, bounds: Mapping[str, int]) -> None:
        """Let each vertex have up to this parallelism; the adaptive scheduler does it in place."""
        body = {
            vertex: {"parallelism": {"lowerBound": 1, "upperBound": upper}}
            for vertex, upper in bounds.items()
        }
        await self._ask("PUT", f"{url}/jobs/{job}/resource-requirements", body)

    async def _ask(self, method: str, url: str, body: Any = None) -> dict[str, Any]:
        if self._session is None:
            # A connection that was kept from a JobManager's start was seen to get 404 for ever,
            # while a new one was answered; a question every few seconds can pay for its own.
            connector = aiohttp.TCPConnector(force_close=True)
            self._session = aiohttp.ClientSession(connector=connector, timeout=self._timeout)
        try:
            async with self._session.request(method, url, json=body) as answer:
                text = await answer.text()
                metrics.FLINK_CALLS.labels(str(answer.status)).inc()
                if answer.status >= 400:
                    raise _refusal(answer.status, text)
                return _object(json.loads(text)) if text.strip() else {}
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            metrics.FLINK_CALLS.labels("0").inc()
            text = str(error) or type(error).__name__  # a time-out says nothing
            raise FlinkError(0, f"{url}: {text}") from error


def _object(answer: Any) -> dict[str, Any]:
    """A list is the value ``list`` of an object."""
    return {"list": answer} if isinstance(answer, list) else dict(answer)


def _traces(answer: Mapping[str, Any]) -> list[str]:
    entries = answer.get("exceptionHistory", {}).get("entries", ())
    return [str(each["stacktrace"]) for each in entries if each.get("stacktrace")]


def _listed(answer: Mapping[str, Any], field: str, url: str) -> list[dict[str, Any]]:
    """A list that Flink never leaves out: without it the answer is somebody else's."""
    found = answer.get(field)
    if not isinstance(found, list):
        raise FlinkError(0, f"{url}: an answer without {field}")
    return found


def _refusal(status: int, text: str) -> FlinkError:
    """With the first line of the first error that Flink lists, without its stack trace."""
    try:
        errors = json.loads(text)["errors"]
        lines = [line for error in errors for line in str(error).splitlines() if line.strip()]
    except (ValueError, KeyError, TypeError):
        return FlinkError(status, text.strip()[:_LONGEST] or f"HTTP {status}", own=False)
    return FlinkError(status, lines[0][:_LONGEST] if lines else f"HTTP {status}")
