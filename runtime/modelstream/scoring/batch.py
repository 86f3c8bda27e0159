"""How many records the model sees at a time, and how long a record may wait for the others."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Protocol

from modelstream.arguments import MILLISECOND, check_duration
from modelstream.errors import OptionError

if TYPE_CHECKING:
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.table import TableEnvironment

_OPTION = "modelstream.batch"
_BUNDLE_SIZE = 100_000


@dataclass(frozen=True)
class Batch:
    """One size and one patience for all models of a job.

    Attributes:
        max_size: records in one call of the model, at most.
        max_latency: how long a record waits for a batch to fill, at most; at least 1 ms.
        allowed_sizes: batch sizes that the model was compiled or tuned for, increasing; the last
            one is max_size. A batch is padded to the next of them with copies of its first record.
    """

    max_size: int = 256
    max_latency: timedelta = timedelta(milliseconds=50)
    allowed_sizes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "allowed_sizes", tuple(self.allowed_sizes))
        if self.max_size < 1:
            raise OptionError(f"the batch's max_size is {self.max_size}; it takes 1 or more")
        check_duration("the batch's max_latency", self.max_latency)
        if any(size < 1 for size in self.allowed_sizes) or any(
            after <= before for before, after in pairwise(self.allowed_sizes)
        ):
            raise OptionError(
                f"the batch's allowed_sizes are {list(self.allowed_sizes)}; "
                f"they must be 1 or more and increase"
            )
        if self.allowed_sizes and self.allowed_sizes[-1] != self.max_size:
            raise OptionError(
                f"the last of the batch's allowed_sizes is {self.allowed_sizes[-1]} and max_size "
                f"is {self.max_size}: no call has more records than max_size, and it is padded to "
                f"a size of the list; make both the same"
            )

    @property
    def warm_up_sizes(self) -> tuple[int, ...]:
        """The batch sizes worth a call before the first record comes."""
        return self.allowed_sizes or tuple(sorted({1, self.max_size}))

    def padded(self, size: int) -> int:
        """The size that a batch of ``size`` records is padded to."""
        return next((allowed for allowed in self.allowed_sizes if allowed >= size), size)

    def spans(self, size: int) -> Iterator[tuple[int, int]]:
        """Start and end of the calls that ``size`` records are split into."""
        most = self.max_size
        return ((start, min(start + most, size)) for start in range(0, size, most))


def execution_options(batch: Batch) -> dict[str, str]:
    """The Flink options that make Python functions see such batches.

    A result leaves the operator when its bundle ends, not when its batch is done, and Flink checks
    the age of a bundle at a fixed rate: a record waits up to twice ``bundle.time`` (measured: 22 ms
    at 25 ms, 2092 ms at 1 s). Bundles are large because each costs 4 to 6 ms; time bounds them.
    """
    return {
        "python.fn-execution.arrow.batch.size": str(batch.max_size),
        "python.fn-execution.bundle.size": str(max(_BUNDLE_SIZE, batch.max_size)),
        "python.fn-execution.bundle.time": str(max(1, batch.max_latency // MILLISECOND // 2)),
    }


def configure(
    environment: "TableEnvironment | StreamExecutionEnvironment", batch: Batch | None = None
) -> Batch:
    """Set arrow batch, bundle size and bundle time of a job together.

    Args:
        environment: of the job; what is set in a StreamExecutionEnvironment holds for functions
            that are applied from then on.
        batch: None takes what the job has already, or the default.

    Returns:
        The job's batch setting.

    Raises:
        OptionError: it is no Batch, or the environment has another already; Flink has one for the
            whole job.
    """
    batch = agreed(environment, batch)
    config = _options(environment)
    config.set(_OPTION, _text(batch))
    for option, value in execution_options(batch).items():
        config.set(option, value)
    return batch


def agreed(
    environment: "TableEnvironment | StreamExecutionEnvironment", batch: Batch | None = None
) -> Batch:
    """What `configure` would set, without setting it."""
    if batch is not None and not isinstance(batch, Batch):
        raise OptionError(f"batch is {batch!r}; write Batch(max_size=…)")
    existing = _options(environment).get(_OPTION, "")
    if batch is None:
        return _parsed(existing) if existing else Batch()
    if existing not in {"", _text(batch)}:
        raise OptionError(
            f"one job has one batch setting, for all its models: it has {_parsed(existing)} "
            f"already and is to get {batch}; give the first model the batch, and the others the "
            f"same or none"
        )
    return batch


class _Options(Protocol):
    """The options of an environment of either kind."""

    def get(self, name: str, default: str) -> str: ...

    def set(self, name: str, value: str) -> object: ...


class _StreamOptions:
    def __init__(self, environment: "StreamExecutionEnvironment") -> None:
        from pyflink.util.java_utils import get_j_env_configuration

        self._options = get_j_env_configuration(environment._j_stream_execution_environment)

    def get(self, name: str, default: str) -> str:
        return str(self._options.toMap().get(name) or default)

    def set(self, name: str, value: str) -> object:
        return self._options.setString(name, value)


def _options(environment: Any) -> _Options:
    if hasattr(environment, "_j_stream_execution_environment"):
        return _StreamOptions(environment)
    options: _Options = environment.get_config()
    return options


def _text(batch: Batch) -> str:
    """A batch as the value of a Flink option."""
    numbers = (batch.max_size, batch.max_latency // MILLISECOND, *batch.allowed_sizes)
    return " ".join(map(str, numbers))


def _parsed(text: str) -> Batch:
    size, milliseconds, *allowed = map(int, text.split())
    return Batch(size, timedelta(milliseconds=milliseconds), tuple(allowed))
