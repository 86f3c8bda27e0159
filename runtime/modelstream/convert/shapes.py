"""Shapes of records held against the shape that a tensor takes."""

from collections.abc import Hashable, Sequence

from modelstream.convert.spec import TensorSpec, shape_text
from modelstream.errors import UnevenShapesError

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
