"""A column of Python values."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt


def objects(values: Sequence[Any]) -> npt.NDArray[np.object_]:
    """One element a value; numpy itself would make a matrix of lists."""
    column = np.empty(len(values), object)
    column[:] = values
    return column
