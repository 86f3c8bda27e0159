"""How Flink runs Python functions, as far as a model cares."""

from typing import Any

from modelstream.errors import OptionError

EXECUTION_MODE = "python.execution-mode"
# Lets the INSERTs of one job share the operator that runs the model; without it Flink plans, and
# runs, the model once for each.
SHARED_PLAN = "table.optimizer.reuse-optimize-block-with-digest-enabled"
_EMBEDDED = "pyflink.fn_execution.datastream.embedded"


def refuse_thread_mode(mode: str) -> None:
    """Python functions of this library need a process of their own.

    Args:
        mode: the value of ``python.execution-mode``.

    Raises:
        OptionError: they would run in the JVM's threads.
    """
    if mode == "thread":
        raise OptionError(
            f"{EXECUTION_MODE} is thread: TensorFlow can deadlock there (its first operation "
            f"hangs when records come from another thread than open()); leave it at process"
        )


def refuse_thread_context(runtime_context: Any) -> None:
    """The same, asked where a function opens: only then is it known for a function of the user.

    Raises:
        OptionError: the function runs in a thread of the JVM.
    """
    if type(runtime_context).__module__.startswith(_EMBEDDED):
        refuse_thread_mode("thread")
