"""Some records of a batch: their columns, and where they stood in it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


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
