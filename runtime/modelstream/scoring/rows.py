"""Records of a batch column by column: those for the model, and those that failed before it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.errors import ConversionError
from modelstream.failure import Failure, Stage


@dataclass(frozen=True)
class Rows:
    """Records column by column.

    Attributes:
        columns: pandas Series or sequences, one value a record.
        positions: where each record stands in the batch that they come from.
    """

    columns: Mapping[str, Any]
    positions: npt.NDArray[np.intp]

    @classmethod
    def of(cls, columns: Mapping[str, Any], n: int) -> "Rows":
        """A whole batch."""
        return cls(columns, np.arange(n))

    def __len__(self) -> int:
        return len(self.positions)

    def span(self, start: int, end: int) -> "Rows":
        """The records from start up to, not including, end. Columns stay views."""
        if start == 0 and end == len(self):
            return self
        columns = {name: _span(values, start, end) for name, values in self.columns.items()}
        return Rows(columns, self.positions[start:end])

    def take(self, indices: Sequence[int]) -> "Rows":
        """The records at these indices."""
        columns = {name: _take(values, indices) for name, values in self.columns.items()}
        return Rows(columns, self.positions[np.asarray(indices, np.intp)])


def _span(values: Any, start: int, end: int) -> Any:
    return values.iloc[start:end] if hasattr(values, "iloc") else values[start:end]


def _take(values: Any, indices: Sequence[int]) -> Any:
    if hasattr(values, "iloc"):
        return values.iloc[indices]
    if isinstance(values, np.ndarray):
        return values[np.asarray(indices, np.intp)]
    return [values[index] for index in indices]


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
