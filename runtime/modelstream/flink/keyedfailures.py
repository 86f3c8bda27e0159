"""Records that are refused and errors that end the job: what comes of them names the key."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pyflink.datastream import OutputTag

from modelstream import embedded
from modelstream.errors import DivergedError, RecordFailedError
from modelstream.failure import ADVICE, DeadLetter, Fail, OnError
from modelstream.flink.letters import dead_letter
from modelstream.messages import excerpt
from modelstream.scoring.metrics import ModelMetrics
from modelstream.scoring.settle import Refused


def letters(
    on_error: OnError,
    model: str,
    refused: Sequence[Refused],
    key: str,
    tag: OutputTag,
    metrics: ModelMetrics,
) -> Iterator[Any]:
    """What becomes of records that were refused: dead letters, nothing, or the end of the job.

    Raises:
        RecordFailedError: there is one, and ``on_error`` is Fail.
    """
    dead = len(refused) if isinstance(on_error, DeadLetter) else 0
    metrics.scored(len(refused), len(refused), dead)
    for each in refused:
        if isinstance(on_error, Fail):
            raise _failed(each, key, model)
        if dead:
            yield tag, dead_letter(key, dict(each.values), each.failure, model)


def _failed(refused: Refused, key: str, model: str) -> RecordFailedError:
    """The error that ends a job whose ``on_error`` is Fail."""
    values = ", ".join(f"{name}={excerpt(value)}" for name, value in refused.values.items())
    return RecordFailedError(
        f"a record of key {key!r} ({values}) cannot be scored by model {model!r}: "
        f"{refused.failure}. {ADVICE}"
    )


@contextmanager
def explained(key: str) -> Iterator[None]:
    """Errors that end the job say which key they are of, and are kept for whoever waits for it."""
    try:
        yield
    except DivergedError as error:
        embedded.note(explained_error := DivergedError(f"key {key!r}: {error}"))
        raise explained_error from error
    except Exception as error:
        embedded.note(error)
        raise


def key_text(key: Any) -> str:
    """A key as weights and dead letters name it: text as it is, others as Python writes them."""
    return key if isinstance(key, str) else repr(key)
