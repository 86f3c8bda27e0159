"""What comes out of a model, and which way the records took to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Any

from modelstream.errors import OptionError
from modelstream.scoring.batch import Batch

SHORT = timedelta(milliseconds=20)


class Route(StrEnum):
    """How the records of a DataStream reach the model."""

    AUTO = "auto"
    """Whichever of the others fits the stream."""
    ARROW = "arrow"
    """As a table, in Arrow batches: the most records a second."""
    ASYNC = "async"
    """Records one by one through the stream, gathered into batches beside it."""
    RECORD = "record"
    """One record, one call of the model."""


@dataclass(frozen=True)
class Choice:
    """A route and the reason for it.

    Attributes:
        route: which one it is; never ``AUTO``.
        reason: why, in words.
    """

    route: Route
    reason: str

    def __str__(self) -> str:
        return f"{self.route}: {self.reason}"


@dataclass(frozen=True)
class Inferred:
    """What comes out of `infer`: tables for a table, streams for a DataStream.

    Attributes:
        scored: the kept columns, then the model's.
        dead_letters: the columns of `DEAD_LETTER_COLUMNS`; None unless ``on_error`` is DeadLetter.
            Of a table, insert both in one StatementSet: the model runs once.
        choice: how the records reach the model, and why.
    """

    scored: Any
    dead_letters: Any
    choice: Choice


def choose(
    wanted: str,
    inputs: Sequence[str],
    types: Mapping[str, str],
    batch: Batch,
    uncarried: str | None = None,
) -> Choice:
    """The route that the records take.

    Args:
        wanted: a route by name.
        inputs: the columns that the model reads.
        types: name → Flink SQL type, of all columns; empty for a stream of Python objects.
        batch: how large a batch may be, and how long a record may wait for it.
        uncarried: what of the records that go on would not come back from Python whole.

    Raises:
        OptionError: there is no such route, or the stream cannot take it.
    """
    if wanted not in tuple(Route):
        raise OptionError(f"path is {wanted!r}; it takes {', '.join(Route)}")
    obstacle = _obstacle(inputs, types)
    match Route(wanted):
        case Route.ARROW if obstacle:
            raise OptionError(
                f"{obstacle}, so the stream cannot go through Arrow: state its type (output_type "
                f"of the function before), or choose {Route.ASYNC} or {Route.RECORD}"
            )
        case Route.ASYNC | Route.RECORD if uncarried:
            raise OptionError(
                f"{uncarried}: choose {Route.ARROW}, which leaves it in Flink, CAST it, or leave "
                f"it out of the stream"
            )
        case Route.AUTO if uncarried and obstacle:
            raise OptionError(
                f"{uncarried}, and {obstacle}, which Arrow cannot carry: CAST one of them, or "
                f"leave it out of the stream"
            )
        case Route.AUTO if uncarried:
            return Choice(Route.ARROW, uncarried)
        case Route.AUTO:
            return _automatic(obstacle, batch)
        case route:
            return Choice(route, "as asked for")


def _automatic(obstacle: str | None, batch: Batch) -> Choice:
    if batch.max_size == 1:
        return Choice(Route.RECORD, "a batch has one record, so there is nothing to gather")
    if obstacle:
        return Choice(Route.ASYNC, f"{obstacle}, which Arrow cannot carry; batches all the same")
    if batch.max_latency < SHORT:
        return Choice(
            Route.ASYNC,
            f"a record may wait {batch.max_latency / timedelta(milliseconds=1):g} ms, and an Arrow "
            f"batch cannot gather while the model runs",
        )
    return Choice(Route.ARROW, "every column that the model reads has a type that Arrow carries")


def _obstacle(inputs: Sequence[str], types: Mapping[str, str]) -> str | None:
    if not types:
        return "the stream holds Python objects, whose type Flink does not know"
    for name in inputs:
        if types.get(name, "").startswith(("RAW(", "MAP<")):
            return f"the column {name!r} is {types[name].partition('(')[0].partition('<')[0]}"
    return None
