"""A job of the embedded Flink: what Flink says of it, and how it is stopped."""

from dataclasses import dataclass
from typing import Any

from modelstream.flink import jvm

_MILLISECOND = 0.001


@dataclass(frozen=True)
class JobState:
    """A job as Flink sees it.

    Attributes:
        status: Flink's name of it: ``RUNNING``, ``RESTARTING``, …
        restarts: how often its tasks were started again.
        cause: the stack trace of the failure that it was restarted for last.
        checkpoint: when its last checkpoint was completed, in seconds since 1970.
    """

    status: str
    restarts: int = 0
    cause: str = ""
    checkpoint: float | None = None

    @property
    def is_restarting(self) -> bool:
        """Whether its tasks have failed and are about to start again."""
        return self.status in ("RESTARTING", "FAILING")


def job_state(client: Any) -> JobState | None:
    """The state of a job; None where this Flink does not tell, or the job is not known (yet).

    Args:
        client: PyFlink's JobClient.
    """
    try:
        graph = _graph(client._j_job_client)
        failure = graph.getFailureInfo()
        return JobState(
            str(graph.getState()),
            max(map(_attempts, graph.getAllVertices().values()), default=0),
            "" if failure is None else str(failure.getExceptionAsString()),
            _checkpoint(graph.getCheckpointStatsSnapshot()),
        )
    except Exception:  # the job has ended meanwhile, or the client is of another kind
        return None


def stop_with_savepoint(client: Any, directory: str, *, drain: bool) -> Any:
    """Ask Flink to stop a job with a savepoint; gives PyFlink's future of the savepoint's address.

    The client's own method calls one of Java that Flink 2 has not.

    Args:
        client: PyFlink's JobClient.
        directory: the address that the savepoint is written below.
        drain: nothing will go on from it: windows that are open close, sinks finish their files.
    """
    from pyflink.common.completable_future import CompletableFuture

    formats = jvm.gateway().jvm.org.apache.flink.core.execution.SavepointFormatType
    taken = client._j_job_client.stopWithSavepoint(drain, directory, formats.DEFAULT)
    return CompletableFuture(taken, str)


def _graph(j_client: Any) -> Any:
    field = j_client.getClass().getDeclaredField("miniCluster")
    field.setAccessible(True)
    return field.get(j_client).getExecutionGraph(j_client.getJobID()).get()


def _attempts(vertex: Any) -> int:
    """How often the tasks of a vertex were started again."""
    tasks = vertex.getTaskVertices()
    return max((int(t.getCurrentExecutionAttempt().getAttemptNumber()) for t in tasks), default=0)


def _checkpoint(stats: Any) -> float | None:
    last = None if stats is None else stats.getHistory().getLatestCompletedCheckpoint()
    return None if last is None else int(last.getLatestAckTimestamp()) * _MILLISECOND
