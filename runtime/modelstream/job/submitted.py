"""The jobs that a program submits and leaves running when it ends.

On a cluster they go on without the program. An embedded Flink ends with the process, so that a
local run waits for them.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from modelstream.flink import jvm

_ANSWERED = ("get_job_execution_result", "cancel", "stop_with_savepoint")
"""What a program calls that sees to the end of its job itself."""


@dataclass
class Submitted:
    """A job of the program, until the program itself waits for it or ends it."""

    client: Any
    left: bool = True

    def marked(self, method: Callable[..., Any]) -> Callable[..., Any]:
        """The method; called, it says that the program sees to the job."""

        def called(*arguments: Any, **named: Any) -> Any:
            self.left = False
            return method(*arguments, **named)

        return called


@contextmanager
def submitted_jobs(jobs: list[Submitted]) -> Iterator[list[Submitted]]:
    """The jobs that a program submits inside the block, without those whose rows it reads.

    Args:
        jobs: gets them, so that who interrupts the program knows them too.
    """
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.table import TableResult

    made, execute_async = TableResult.__init__, StreamExecutionEnvironment.execute_async

    def noted(client: Any) -> Submitted:
        job = Submitted(client)
        for name in _ANSWERED:
            setattr(client, name, job.marked(getattr(client, name)))
        jobs.append(job)
        return job

    def make(result: Any, j_result: Any) -> None:
        made(result, j_result)
        client = result.get_job_client() if jvm.is_insert(j_result) else None
        if client is not None:
            result.wait = noted(client).marked(result.wait)
            result.get_job_client = lambda: client

    def execute(env: Any, *arguments: Any, **named: Any) -> Any:
        return noted(execute_async(env, *arguments, **named)).client

    TableResult.__init__, StreamExecutionEnvironment.execute_async = make, execute
    try:
        yield jobs
    finally:
        TableResult.__init__, StreamExecutionEnvironment.execute_async = made, execute_async
