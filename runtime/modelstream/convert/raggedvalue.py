"""A ragged tensor as the element of a stream."""

from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.convert import wire
from modelstream.convert.tensorvalue import TensorValue
from modelstream.convert.values import register_type
from modelstream.convert.wire import Buffer
from modelstream.errors import ConversionError

Splits = npt.NDArray[np.int64]


class RaggedValue:
    """A tensor whose rows differ in length, as TensorFlow keeps it. Immutable and hashable.

    Args:
        values: the elements of all rows, end to end; its first dimension counts them.
        splits: for each ragged dimension, the outermost first, where its rows begin and where the
            last one ends: n + 1 numbers that start at 0 and never fall.

    Raises:
        ConversionError: the splits do not fit the values, or each other.
    """

    __slots__ = ("_splits", "_values")

    def __init__(self, values: TensorValue, *splits: Any) -> None:
        self._values = values
        self._splits = tuple(_frozen(each) for each in splits)
        _check(self._splits, values)

    @classmethod
    def of(cls, rows: list[Any], dtype: str | None = None, ragged_rank: int = 1) -> "RaggedValue":
        """The rows as nested lists: ``RaggedValue.of([[1, 2], [], [3]])``.

        Args:
            rows: lists that are ``ragged_rank`` deep before the elements begin.
            dtype: what the elements are; they tell it if None.
            ragged_rank: how many dimensions are ragged.
        """
        splits = []
        for _ in range(ragged_rank):
            splits.append(np.cumsum([0, *map(len, rows)]))
            rows = [each for row in rows for each in row]
        return cls(TensorValue(rows, dtype), *splits)

    @property
    def dtype(self) -> str:
        """As TensorFlow spells it."""
        return self._values.dtype

    @property
    def shape(self) -> tuple[int | None, ...]:
        """The dimensions; None for a ragged one."""
        ragged = (None,) * len(self._splits)
        return (len(self._splits[0]) - 1, *ragged, *self._values.shape[1:])

    @property
    def values(self) -> TensorValue:
        """The elements of all rows, end to end."""
        return self._values

    @property
    def splits(self) -> tuple[Splits, ...]:
        """Where the rows of each ragged dimension begin and end, the outermost first."""
        return self._splits

    def __len__(self) -> int:
        return len(self._splits[0]) - 1

    def take(self, rows: Any) -> "RaggedValue":
        """The rows at these indices, in this order; one may come several times."""
        index = np.asarray(rows, np.intp)
        splits = []
        for each in self._splits:
            lengths = np.diff(each)[index]
            taken = np.concatenate([[0], np.cumsum(lengths)])
            index = np.repeat(each[:-1][index] - taken[:-1], lengths) + np.arange(taken[-1])
            splits.append(taken)
        values = self._values.numpy()[index.astype(np.intp)]
        return RaggedValue(TensorValue._holding(values, self.dtype), *splits)

    def tolist(self) -> list[Any]:
        """The rows as nested lists; strings as bytes."""
        rows: list[Any] = self._values.tolist()
        for splits in reversed(self._splits):
            rows = [rows[begin:end] for begin, end in pairwise(splits.tolist())]
        return rows

    def to_bytes(self) -> bytes:
        """Header, splits and values, as ``modelstream.convert.wire`` lays them out."""
        lengths = tuple(map(len, self._splits))
        head = wire.head(wire.Kind.RAGGED, self.dtype, lengths)
        splits = wire.padded(b"".join(each.astype("<i8").tobytes() for each in self._splits))
        return head + splits + self._values.to_bytes()

    @classmethod
    def from_bytes(cls, data: Buffer) -> "RaggedValue":
        """The tensor that ``to_bytes`` wrote.

        Raises:
            ConversionError: the bytes are not a ragged tensor, damaged, or of a newer version.
        """
        head = wire.read_head(data, wire.Kind.RAGGED)
        end = head.end + 8 * sum(head.sizes)
        if len(data) < end:
            raise ConversionError("the tensor is damaged: its row splits are cut off")
        flat = np.frombuffer(data, "<i8", sum(head.sizes), head.end)
        splits = np.split(flat, np.cumsum(head.sizes)[:-1])
        values = TensorValue.from_bytes(memoryview(data)[end + -end % 16 :])
        return cls(values, *splits)

    def __reduce__(self) -> tuple[Any, tuple[bytes]]:
        return RaggedValue.from_bytes, (self.to_bytes(),)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, RaggedValue):
            return NotImplemented
        return self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.to_bytes())

    def __repr__(self) -> str:
        shape = ", ".join("?" if size is None else str(size) for size in self.shape)
        text = repr(self.tolist())
        shown = text if len(text) <= 60 else f"{text[:57]}..."
        return f"RaggedValue({self.dtype}[{shape}], {shown})"


def _frozen(splits: Any) -> Splits:
    array = np.array(splits, np.int64)
    array.flags.writeable = False
    return array


def _check(splits: tuple[Splits, ...], values: TensorValue) -> None:
    if not splits or not values.shape:
        raise ConversionError(
            "a ragged tensor takes values with a first dimension and at least one array of splits"
        )
    counts = [*(len(inner) - 1 for inner in splits[1:]), values.shape[0]]
    for number, (each, count) in enumerate(zip(splits, counts, strict=True)):
        rises = each.ndim == 1 and len(each) and each[0] == 0 and (np.diff(each) >= 0).all()
        if not rises or each[-1] != count:
            raise ConversionError(
                f"splits {number} of the ragged tensor must start at 0, never fall and end at "
                f"{count}, the number of what they split; they are {each.tolist()!r:.60}"
            )


register_type(RaggedValue, RaggedValue.tolist)
