"""The records of one batch, column by column: those for the model, and those that failed before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.errors import ConversionError
from modelstream.failure import Failure, Stage


@dataclass(frozen=True)
class Rows:
    """Some records of a batch.

    Attributes:
        columns: pandas Series or sequences, one value per record.
        positions: where each record stands in the batch.
    """

    columns: Mapping[str, Any]
    positions: npt.NDArray[np.intp]

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
        columns = {name: taken(values, indices) for name, values in self.columns.items()}
        return Rows(columns, self.positions[np.asarray(indices, np.intp)])


@dataclass(frozen=True)
class Given:
    """A batch on its way to the model.

    Attributes:
        rows: the records that can go to the model.
        size: how many records the batch has.
        failures: why the others cannot, by position in the batch.
        kept: columns that go past the model, one value per record of the batch.
    """

    rows: Rows
    size: int
    failures: Mapping[int, Failure] = field(default_factory=dict)
    kept: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(
        cls, columns: Mapping[str, Any], size: int, failures: Mapping[int, Failure] | None = None
    ) -> "Given":
        """A batch whose columns hold, in their order, the records that have not failed."""
        if not failures:
            return cls(Rows(columns, np.arange(size)), size)
        good = np.asarray([at for at in range(size) if at not in failures], np.intp)
        return cls(Rows(columns, good), size, failures)

    @classmethod
    def without_nulls(
        cls,
        columns: Mapping[str, Any],
        nulls: Mapping[str, Any],
        refused: Callable[[str], ConversionError],
    ) -> "Given":
        """A batch of columns, without the records that have a NULL.

        Args:
            columns: by name.
            nulls: for some of the columns, which values are null.
            refused: what a NULL in that column is told as.
        """
        whole = cls.of(columns, len(next(iter(columns.values()))))
        failures: dict[int, Failure] = {}
        for name, series in nulls.items():
            flags = np.asarray(series, bool)
            if not flags.any():
                continue
            failure = Failure.of(Stage.ENCODE, refused(name))
            failures |= dict.fromkeys(np.flatnonzero(flags).tolist(), failure)
        if not failures:
            return whole
        good = [at for at in range(whole.size) if at not in failures]
        return cls(whole.rows.take(good), whole.size, failures)

    def spread(self, values: Any) -> Any:
        """Values of ``rows`` as a column of the batch, None where a record has failed."""
        return spread(values, self.rows.positions, self.size)


def joined(parts: Sequence[Any]) -> Any:
    """Parts of a column, one after the other: an array where all are arrays of one kind."""
    if len(parts) == 1:
        return parts[0]
    kinds = {
        (each.dtype, each.shape[1:]) if isinstance(each, np.ndarray) else None for each in parts
    }
    if len(kinds) == 1 and None not in kinds:
        return np.concatenate(parts)
    return list(chain.from_iterable(parts))


def spread(values: Any, positions: npt.NDArray[np.intp], size: int) -> Any:
    """Values that stand at these positions of a batch, as a column of it.

    Where there is no value the column has None; an array of numbers is masked there.
    """
    if len(positions) == size and (positions[1:] > positions[:-1]).all():
        return values
    if isinstance(values, np.ndarray) and values.ndim == 1 and values.dtype.kind in "biuf":
        numbers = np.ma.masked_all(size, values.dtype)  # type: ignore[no-untyped-call]  # no types
        numbers[positions] = values
        return numbers
    column: list[Any] = [None] * size
    for position, value in zip(positions.tolist(), values, strict=True):
        column[position] = value
    return column


def _span(values: Any, start: int, end: int) -> Any:
    return values.iloc[start:end] if hasattr(values, "iloc") else values[start:end]


def taken(values: Any, indices: "Sequence[int] | npt.NDArray[np.intp]") -> Any:
    """The values of a column at these indices."""
    if hasattr(values, "iloc"):
        return values.iloc[indices]
    if isinstance(values, np.ndarray):
        return values[np.asarray(indices, np.intp)]
    return [values[index] for index in indices]
