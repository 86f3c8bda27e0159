"""What models need of a Flink environment: processes for Python, and the batches of its job."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from modelstream.arguments import MILLISECOND
from modelstream.errors import OptionError
from modelstream.flink import jvm
from modelstream.scoring.batch import Batch

if TYPE_CHECKING:
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.table import TableEnvironment

ARROW_SIZE = 4096
"""Records of an Arrow batch at most, where a batch of the model is not larger."""
EXECUTION_MODE = "python.execution-mode"
# Lets the INSERTs of one job share the operator that runs the model; without it Flink plans, and
# runs, the model once for each.
SHARED_PLAN = "table.optimizer.reuse-optimize-block-with-digest-enabled"
_EMBEDDED = "pyflink.fn_execution.datastream.embedded"
_BATCH = "modelstream.batch"
_PARAMETERS = "pipeline.global-job-parameters"
_BUNDLE_SIZE = 100_000
_BOUNDED_BUNDLE = timedelta(milliseconds=500)
_RUNTIME_MODE = "execution.runtime-mode"


def refuse_thread_mode(owner: Any) -> None:
    """Python functions of this library need a process of their own.

    Args:
        owner: a TableEnvironment, a StreamExecutionEnvironment, or a DataStream.

    Raises:
        OptionError: they would run in the JVM's threads.
    """
    _refuse(jvm.options(owner).get(EXECUTION_MODE, "process"))


def refuse_thread_context(runtime_context: Any) -> None:
    """The same, asked where a function opens: only then is it known for a function of the user.

    Raises:
        OptionError: the function runs in a thread of the JVM.
    """
    if type(runtime_context).__module__.startswith(_EMBEDDED):
        _refuse("thread")


def _refuse(mode: str) -> None:
    if mode == "thread":
        raise OptionError(
            f"{EXECUTION_MODE} is thread: TensorFlow can deadlock there (its first operation "
            f"hangs when records come from another thread than open()); leave it at process"
        )


def execution_options(batch: Batch, *, bounded: bool = False) -> dict[str, str]:
    """The Flink options that make Python functions see such batches.

    A result leaves the operator when its bundle ends, not when its batch is done, and Flink checks
    the age of a bundle at a fixed rate: a record waits up to twice ``bundle.time`` (measured: 22 ms
    at 25 ms, 2092 ms at 1 s). Bundles are large because each costs 4 to 6 ms; time bounds them, and
    with them the memory that large records take. Where nobody waits for a record they last longer,
    so that the JVM and Python work side by side. An Arrow batch is cut into batches of the model.

    Args:
        batch: how many records the model sees at a time.
        bounded: the job comes to an end, and its results are awaited only then.
    """
    age = batch.max_latency // 2
    if bounded:
        age = max(age, _BOUNDED_BUNDLE)
    return {
        "python.fn-execution.arrow.batch.size": str(max(ARROW_SIZE, batch.max_size)),
        "python.fn-execution.bundle.size": str(max(_BUNDLE_SIZE, batch.max_size)),
        "python.fn-execution.bundle.time": str(max(1, age // MILLISECOND)),
    }


def configure(
    environment: "TableEnvironment | StreamExecutionEnvironment", batch: Batch | None = None
) -> Batch:
    """Set arrow batch, bundle size and bundle time of a job together.

    Args:
        environment: the job's; what is set in a StreamExecutionEnvironment holds for functions
            that are applied from then on.
        batch: None takes what the job has already, or the default, which binds nobody.

    Returns:
        The job's batch setting.

    Raises:
        OptionError: it is not a Batch, or the environment has another already; Flink has one for
            the whole job.
    """
    given, batch = batch, agreed(environment, batch)
    config = jvm.options(environment)
    if given is not None:
        config.set(_BATCH, batch.as_text())
        known = config.get(_PARAMETERS, "")
        if _BATCH not in known:
            config.set(_PARAMETERS, f"{known}{',' if known else ''}{_BATCH}:{batch.as_text()}")
    bounded = config.get(_RUNTIME_MODE, "").upper() == "BATCH"
    for option, value in execution_options(batch, bounded=bounded).items():
        config.set(option, value)
    return batch


def batch_of(runtime_context: Any) -> Batch:
    """The job's batch setting, asked where a function opens; the default where none was given."""
    asked = getattr(runtime_context, "get_job_parameter", None)
    text = asked(_BATCH, "") if asked else ""
    return Batch.of_text(text) if text else Batch()


def agreed(
    environment: "TableEnvironment | StreamExecutionEnvironment", batch: Batch | None = None
) -> Batch:
    """What `configure` would set, without setting it."""
    if batch is not None and not isinstance(batch, Batch):
        raise OptionError(f"batch is {batch!r}; write Batch(max_size=…)")
    existing = jvm.options(environment).get(_BATCH, "")
    if batch is None:
        return Batch.of_text(existing) if existing else Batch()
    if existing not in {"", batch.as_text()}:
        raise OptionError(
            f"one job has one batch setting, for all its models: it has {Batch.of_text(existing)} "
            f"already and is to get {batch}; give the first model the batch, and the others the "
            f"same or none"
        )
    return batch
