"""The JVM of the embedded Flink: one for the test process, ended with it."""

import contextlib
import subprocess
import threading
import warnings
from collections.abc import Iterator
from typing import Any

from modelstream.flink.jvm.connections import keep_apart

WORKER = "_python_worker_execution_mode"


@contextlib.contextmanager
def flink_jvm() -> Iterator[None]:
    """Keep hold of the JVM that pyflink starts and forgets, so that it and its pipes are closed."""
    import_noisy()
    from pyflink import java_gateway

    if java_gateway._gateway is not None:  # somebody holds it already
        yield
        return
    launch, started = java_gateway.launch_gateway_server_process, []
    connect = java_gateway.launch_gateway

    def connected() -> Any:
        gateway = connect()
        keep_apart(gateway._gateway_client)
        return gateway

    def remembered(env: Any, args: Any) -> Any:
        # A worker that is a thread of this process brings along what its JVM was started with, for
        # all tests that follow. How workers run is asked of this process alone.
        started.append(launch({name: env[name] for name in env.keys() - {WORKER}}, args))
        return started[-1]

    java_gateway.launch_gateway_server_process = remembered
    java_gateway.launch_gateway = connected
    try:
        with _hanging_up_is_no_error():
            yield
            for process in started:
                _end(process)
    finally:
        java_gateway.launch_gateway_server_process = launch
        java_gateway.launch_gateway = connect


@contextlib.contextmanager
def _hanging_up_is_no_error() -> Iterator[None]:
    """A job that fails or is cancelled hangs up on the threads of its Python functions."""
    import grpc

    report = threading.excepthook

    def hook(args: threading.ExceptHookArgs) -> None:
        if not isinstance(args.exc_value, grpc.RpcError):
            report(args)

    threading.excepthook = hook
    try:
        yield
        for thread in threading.enumerate():
            if thread.name.startswith("read_"):
                thread.join(60)
    finally:
        threading.excepthook = report


def end_flushers() -> None:
    """End the threads that flush the output of Python workers, which PyFlink leaves of each job.

    Each wakes once a second. One that is a second late does not wait at all any more, and with
    some hundreds of them all are late once the machine is busy: then nothing else gets on.
    """
    for thread in threading.enumerate():
        if type(thread).__name__ == "PeriodicThread":
            thread.cancel()  # type: ignore[attr-defined]  # it is PyFlink's class


def import_noisy() -> None:
    """Import what warns of its own use of old interfaces, before warnings are errors for it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import apache_beam  # noqa: F401  # imported for the warnings
        import pyflink.datastream
        import pyflink.fn_execution.beam.beam_worker_pool_service
        import pyflink.table  # noqa: F401  # imported for the warnings


def _end(process: "subprocess.Popen[bytes]") -> None:
    from pyflink import java_gateway

    if java_gateway._gateway is not None:
        java_gateway._gateway.shutdown()
        java_gateway._gateway = None
    process.kill()
    process.communicate()
