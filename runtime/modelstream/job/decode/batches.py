"""Batches that were read at once, completed by the records that need a look of their own."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelstream.errors import RecordError
from modelstream.scoring.records import Decoded

Payloads = Sequence[bytes | None]


def completed(
    columns: Mapping[str, Any],
    positions: Sequence[int],
    unsure: set[int],
    payloads: Payloads,
    decode: Callable[[Payloads], Sequence[Mapping[str, Any] | RecordError]],
) -> Decoded:
    """The batch.

    Args:
        columns: those that were read at once, with gaps for the other records.
        positions: where those stand in the batch, in order.
        unsure: which of those, counted among themselves, are not to be believed.
        payloads: all records.
        decode: reads the others one by one.
    """
    if len(positions) == len(payloads) and not unsure:
        return Decoded(columns, {})
    sure = [at for index, at in enumerate(positions) if index not in unsure]
    others = sorted(set(range(len(payloads))).difference(sure))
    read = dict(zip(others, decode([payloads[at] for at in others]), strict=True))
    failures = {at: each for at, each in read.items() if isinstance(each, RecordError)}
    late = {at: each for at, each in read.items() if not isinstance(each, RecordError)}
    if unsure:
        columns = {name: _without(values, unsure) for name, values in columns.items()}
    if late:
        columns = {
            name: _merged(dict(zip(sure, _listed(values), strict=True)), name, late)
            for name, values in columns.items()
        }
    return Decoded(columns, failures)


def _without(values: Any, indices: set[int]) -> list[Any]:
    return [each for index, each in enumerate(_listed(values)) if index not in indices]


def _merged(
    values: dict[int, Any], name: str, records: Mapping[int, Mapping[str, Any]]
) -> list[Any]:
    values |= {at: record[name] for at, record in records.items()}
    return [values[at] for at in sorted(values)]


def _listed(values: Any) -> list[Any]:
    listed: list[Any] = values.tolist() if hasattr(values, "tolist") else values
    return listed
