"""The records of one Arrow batch that can go to the model, and those that cannot already."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.convert.objects import objects
from modelstream.errors import ConversionError, RecordError
from modelstream.failure import Failure, Stage
from modelstream.scoring.decoder import RecordDecoder
from modelstream.scoring.rows import Rows


@dataclass(frozen=True)
class Decoded:
    """A batch on its way to the model.

    Attributes:
        rows: the records that can go to the model, numbered from 0.
        size: of the batch.
        failures: why the others cannot, by position in the batch.
        positions: where the records of ``rows`` stand in the batch; None when all are there.
        kept: columns that go past the model, one value for each record of the batch.
    """

    rows: Rows
    size: int
    failures: Mapping[int, Failure] = field(default_factory=dict)
    positions: npt.NDArray[np.intp] | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, columns: Mapping[str, Any], nulls: Mapping[str, Any]) -> "Decoded":
        """A batch of columns; ``nulls`` says for some of them which values are null."""
        n = len(next(iter(columns.values())))
        rows = Rows.of(columns, n)
        failures: dict[int, Failure] = {}
        for name, series in nulls.items():
            flags = np.asarray(series, bool)
            if not flags.any():
                continue
            failure = Failure.of(Stage.ENCODE, ConversionError(f"column {name!r} is null"))
            failures |= dict.fromkeys(np.flatnonzero(flags).tolist(), failure)
        return cls(rows, n, failures)._without_failures() if failures else cls(rows, n)

    def merged(self, failures: Mapping[int, Failure]) -> dict[int, Failure]:
        """These failures and those of ``rows``, by position in the batch."""
        if self.positions is None:
            return {**self.failures, **failures}
        return {**self.failures, **{int(self.positions[at]): f for at, f in failures.items()}}

    def spread(self, columns: Mapping[str, Any]) -> Mapping[str, Any]:
        """Columns of ``rows`` as columns of the batch, None where a record is missing."""
        if self.positions is None:
            return columns
        wide: dict[str, Any] = {}
        for name, values in columns.items():
            column: list[Any] = [None] * self.size
            for position, value in zip(self.positions.tolist(), values, strict=True):
                column[position] = value
            wide[name] = column
        return wide

    def _without_failures(self) -> "Decoded":
        good = [at for at in range(self.size) if at not in self.failures]
        rows = self.rows.take(good)
        rows = Rows.of(rows.columns, len(good))
        return Decoded(rows, self.size, self.failures, np.asarray(good, np.intp), self.kept)


def decoded(decoder: RecordDecoder, kept: Sequence[str], payloads: Any) -> Decoded:
    """A batch of raw records."""
    values = payloads.tolist()
    records = decoder.decode(values)
    failures = {
        at: Failure.of(Stage.FORMAT, record)
        for at, record in enumerate(records)
        if isinstance(record, RecordError)
    }
    fine = [record for record in records if not isinstance(record, RecordError)]
    columns = {column.name: [record[column.name] for record in fine] for column in decoder.columns}
    whole = Decoded(Rows.of(columns, len(fine)), len(values))
    if failures:
        positions = np.asarray([at for at in range(len(values)) if at not in failures], np.intp)
        whole = Decoded(whole.rows, len(values), failures, positions)
    spread = whole.spread({name: columns[name] for name in kept})
    held = {name: objects(column) for name, column in spread.items()}
    return Decoded(whole.rows, whole.size, whole.failures, whole.positions, held)
