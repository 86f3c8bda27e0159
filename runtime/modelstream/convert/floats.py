"""Lists of Python floats as one array, all of them at once.

CPython writes a list of floats as a head and, for each, the letter ``g`` and its eight bytes. That
tells that each value is a float, and gives the values, in a third of the time that the types alone
take when they are looked at one by one.
"""

import marshal
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_VERSION = 2  # later ones write an object that comes twice as a reference
_HEAD = 5  # a letter and the number of elements
_FLOAT = np.dtype([("letter", "u1"), ("value", "<f8")])


def float_block(values: list[Any]) -> Array | None:
    """Lists of equally many floats as an (n, length) array; None if they are anything else.

    Integers, booleans, nulls, empty lists and subclasses of float are something else.
    """
    if not values or type(values[0]) is not list or not values[0]:
        return None
    if type(values[0][0]) is not float:  # most other lists end here
        return None
    try:
        written = marshal.dumps(values, _VERSION)
    except ValueError:  # an object that it does not know
        return None
    length = len(values[0])
    row = _HEAD + length * _FLOAT.itemsize
    if len(written) != _HEAD + len(values) * row:
        return None
    rows = np.frombuffer(written, np.uint8, offset=_HEAD).reshape(len(values), row)
    if (rows[:, :_HEAD] != rows[0, :_HEAD]).any():
        return None
    floats = rows[:, _HEAD:].reshape(-1).view(_FLOAT)
    if (floats["letter"] != ord("g")).any():
        return None
    return np.ascontiguousarray(floats["value"]).astype(np.float64, copy=False).reshape(-1, length)
