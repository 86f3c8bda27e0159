"""``python`` jobs: a PyFlink program on the library, run in this process.

The jobs that it submits and leaves running go on without it on a cluster. An embedded Flink ends
with the process, so that a local run waits for them.
"""

import runpy
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelstream.errors import JobError
from modelstream.flink import jvm
from modelstream.job.context import JobContext
from modelstream_crds.names import CONFIG_MAPS_ROOT
from modelstream_crds.v1alpha1 import ConfigMapScript, Python


def run(python: Python, context: JobContext) -> None:
    """Run the program to its end, as ``python script args`` or ``python -m module args`` would.

    Raises:
        JobError: there is no such program, or it ended with an error code.
    """
    with _arguments(python, context) as program:
        try:
            if python.module is not None:
                runpy.run_module(python.module, run_name="__main__", alter_sys=True)
            else:
                runpy.run_path(str(program), run_name="__main__")
        except SystemExit as end:
            if end.code not in (None, 0):
                raise JobError(f"the program {program} ended with {end.code!r}") from end
        except ImportError as missing:
            if python.module is not None and missing.name == python.module:
                raise JobError(
                    f"python.module: there is no module {python.module!r}; it must be installed "
                    f"in the image, or on PYTHONPATH"
                ) from missing
            raise


def program_path(python: Python, context: JobContext) -> Path:
    """The file of a script or of a ConfigMap's key.

    Raises:
        JobError: it is not there.
    """
    if python.config_map is not None:
        path, field = _config_map(python.config_map, context), "python.configMap"
    else:
        path, field = context.base / str(python.script), "python.script"
    if not path.is_file():
        raise JobError(f"{field}: there is no file {path}")
    return path


def _config_map(source: ConfigMapScript, context: JobContext) -> Path:
    if context.local:
        return context.mount(source.name) / source.key
    return Path(CONFIG_MAPS_ROOT) / source.name / source.key


@contextmanager
def _arguments(python: Python, context: JobContext) -> Iterator[str]:
    program = python.module or str(program_path(python, context))
    arguments, path = sys.argv, list(sys.path)
    sys.argv = [program, *python.args]
    if python.module is None:
        sys.path.insert(0, str(Path(program).resolve().parent))
    try:
        yield program
    finally:
        sys.argv = arguments
        sys.path[:] = path


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
