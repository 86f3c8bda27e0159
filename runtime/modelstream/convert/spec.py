"""What a tensor is: its dtype, its shape, its name; and the shapes of records held against it."""

import operator
from collections.abc import Hashable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias, overload

from modelstream.errors import SignatureMismatchError, UnevenShapesError

if TYPE_CHECKING:
    import numpy as np

SPLITS = ("int64", "int32")
"""What row splits may be."""

_Dtype: TypeAlias = "str | type[Any] | np.dtype[Any]"
_Shape: TypeAlias = "Sequence[int | None] | None"


class Layout(StrEnum):
    """How a tensor's values are laid out in memory."""

    DENSE = "dense"
    """Every row has as many elements as the others: one array."""
    RAGGED = "ragged"
    """Rows differ in length: the elements end to end, and where each row ends."""
    SPARSE = "sparse"
    """Most elements are zero: the positions and values of the others."""


@dataclass(frozen=True)
class TensorSpec:
    """One input or output of a signature.

    ``TensorSpec("float32", (None, 32))`` and, as TensorFlow orders it,
    ``TensorSpec((None, 32), "float32")`` are the same.

    Examples:
        >>> print(ms.TensorSpec("float32", (None, 32)))
        float32[?, 32]
        >>> ms.TensorSpec("string", (None, None), layout=ms.Layout.RAGGED)

    Attributes:
        dtype: as TensorFlow spells it: ``float32``, ``string``, ``int64``, …; a dtype of numpy or
            TensorFlow, or one of numpy's types, becomes its name.
        shape: the dimensions, the first being the batch; None for a dimension that varies.
            None as a whole when the model does not even state the rank.
        name: the name by which the signature knows the tensor.
        layout: dense, unless the model takes or gives ragged or sparse tensors.
        ragged_rank: how many dimensions after the batch a ragged tensor keeps as row splits,
            which is 1 where nothing is said. Those behind them have one size for all rows.
        splits: the dtype of a ragged tensor's row splits: ``int64`` or ``int32``.

    Raises:
        SignatureMismatchError: this is not a dtype and a shape; or no ragged tensor has this
            shape, ragged rank or dtype of row splits.
    """

    dtype: str
    shape: tuple[int | None, ...] | None
    name: str = ""
    layout: Layout = Layout.DENSE
    ragged_rank: int = 0
    splits: str = "int64"

    if TYPE_CHECKING:  # a dataclass keeps what it makes itself

        @overload
        def __init__(
            self,
            dtype: _Dtype,
            shape: _Shape,
            name: str = "",
            layout: Layout = Layout.DENSE,
            ragged_rank: int = 0,
            splits: str = "int64",
        ) -> None: ...

        @overload
        def __init__(
            self,
            dtype: _Shape,
            shape: _Dtype,
            name: str = "",
            layout: Layout = Layout.DENSE,
            ragged_rank: int = 0,
            splits: str = "int64",
        ) -> None: ...

        def __init__(
            self,
            dtype: Any,
            shape: Any,
            name: str = "",
            layout: Layout = Layout.DENSE,
            ragged_rank: int = 0,
            splits: str = "int64",
        ) -> None: ...

    def __post_init__(self) -> None:
        dtype, shape = self.dtype, self.shape
        if not _is_dtype(dtype) and _is_dtype(shape):
            dtype, shape = shape, dtype  # type: ignore[assignment]  # TensorFlow's own order
        object.__setattr__(self, "dtype", _dtype_name(dtype))
        object.__setattr__(self, "shape", _sizes(shape))
        self._check_rest()
        if self.layout is not Layout.RAGGED:
            return
        if not self.ragged_rank:
            object.__setattr__(self, "ragged_rank", 1)
        if problem := self._impossible():
            raise SignatureMismatchError(f"{self.name or 'the tensor'} is {self}: {problem}")

    def _check_rest(self) -> None:
        """Refuse what is of a wrong type; by hand, for a packed record makes a spec."""
        rest = {"name": str, "layout": Layout, "ragged_rank": int, "splits": str}
        for name, kind in rest.items():
            if not isinstance(given := getattr(self, name), kind):
                takes = (
                    "a Layout, such as Layout.RAGGED" if kind is Layout else f"a {kind.__name__}"
                )
                raise SignatureMismatchError(f"TensorSpec takes as {name} {takes}, not {given!r}")

    def _impossible(self) -> str | None:
        """Why no ragged tensor is like this."""
        if self.splits not in SPLITS:
            return f"row splits are {' or '.join(SPLITS)}, not {self.splits}"
        least = 1 + self.ragged_rank
        if self.ragged_rank < 1:
            return f"its ragged rank {self.ragged_rank} must be at least 1"
        if self.rank is not None and self.rank < least:
            return f"ragged rank {self.ragged_rank} takes a shape of {least} dimensions or more"
        return None

    @property
    def rank(self) -> int | None:
        """Number of dimensions with the batch; None when the model does not state it."""
        return None if self.shape is None else len(self.shape)

    @property
    def batch(self) -> int | None:
        """The batch size that the model was exported with; None when it takes any."""
        return self.shape[0] if self.shape else None

    @property
    def record_shape(self) -> tuple[int | None, ...] | None:
        """The shape that one record has: all dimensions but the batch."""
        return None if self.shape is None else self.shape[1:]

    @property
    def elements(self) -> "TensorSpec":
        """What a ragged tensor holds end to end: its flat values, the first dimension counts them.

        That of a dense tensor is the tensor itself.
        """
        if self.layout is not Layout.RAGGED:
            return self
        shape = None if self.shape is None else (None, *self.shape[1 + self.ragged_rank :])
        return TensorSpec(self.dtype, shape, self.name)

    def __str__(self) -> str:
        layout = "" if self.layout is Layout.DENSE else f"{self.layout} "
        return f"{layout}{self.dtype}{shape_text(self.shape)}"


def _is_dtype(given: object) -> bool:
    return (
        isinstance(given, str | type) or hasattr(given, "as_numpy_dtype") or hasattr(given, "kind")
    )


def _dtype_name(given: object) -> str:
    if not _is_dtype(given):
        raise SignatureMismatchError(
            f"{given!r} is not a dtype: write TensorSpec('float32', (None, 32)), None for a "
            f"dimension that varies"
        )
    if isinstance(given, str):
        return given
    name = str(getattr(given, "name", None) or getattr(given, "__name__", given))
    return {"bytes_": "string", "str_": "string", "object_": "string", "object": "string"}.get(
        name, name
    )


_NO_SHAPES = (str, bytes, Mapping, Set)


def _sizes(given: Any) -> tuple[int | None, ...] | None:
    """A shape as a tuple; of TensorFlow's, None where the rank is unknown."""
    if given is None or getattr(given, "rank", 0) is None:
        return None
    try:
        sizes = tuple(None if size is None else operator.index(size) for size in given)
    except TypeError:
        sizes = None
    if sizes is None or isinstance(given, _NO_SHAPES) or min(filter(None, sizes), default=0) < 0:
        raise SignatureMismatchError(
            f"{given!r} is not a shape: write a tuple such as (None, 32), the batch first, None "
            f"for a dimension that varies; or None for a rank that the model does not state"
        )
    return sizes


def shape_text(shape: tuple[int | None, ...] | None) -> str:
    """``[?, 32]`` for (None, 32), ``[...]`` for a shape of unknown rank."""
    if shape is None:
        return "[...]"
    return f"[{', '.join('?' if size is None else str(size) for size in shape)}]"


Shape = tuple[int, ...]


def fitted(shape: Shape, spec: TensorSpec) -> Shape | None:
    """The shape that a record takes in the tensor, or None when it does not fit.

    Dimensions of size 1 may be missing in the record: 3.0 feeds ``float32[?, 1]``.
    """
    wanted = spec.record_shape
    if wanted is None or _matches(shape, wanted):
        return shape
    if not _matches(shape, tuple(size for size in wanted if size != 1)):
        return None
    sizes = iter(shape)
    return tuple(1 if size == 1 else next(sizes) for size in wanted)


def ranks(spec: TensorSpec) -> set[int] | None:
    """The ranks that a record may have; None for any."""
    inner = spec.elements.record_shape
    if inner is None:
        return None
    return {spec.ragged_rank + len(inner), spec.ragged_rank + sum(size != 1 for size in inner)}


def wrong_shape(shape: Shape, spec: TensorSpec) -> str:
    """Names both shapes, for a message."""
    return f"the record has the shape {shape_text(shape)}, {spec.name or 'the tensor'} takes " + (
        shape_text(spec.record_shape)
    )


def uneven(keys: Sequence[Hashable], what: str) -> UnevenShapesError:
    """The error for records whose shapes (or any keys) differ, with the groups that agree."""
    groups: dict[Hashable, list[int]] = {}
    for index, key in enumerate(keys):
        groups.setdefault(key, []).append(index)
    return UnevenShapesError(
        f"{len(keys)} records have {len(groups)} different shapes of {what}: "
        f"one batch takes one shape",
        list(groups.values()),
    )


def _matches(shape: Shape, wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(
        size is None or size == have for have, size in zip(shape, wanted, strict=True)
    )
