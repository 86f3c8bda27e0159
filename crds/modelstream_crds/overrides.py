"""``--set path=value``: a manifest with some of its values exchanged."""

import copy
from collections.abc import Mapping
from typing import Any

from modelstream_crds.documents import parse_path, parse_value


def overridden(manifest: Any, overrides: Mapping[str, str]) -> Any:
    """``manifest`` with the value at each path exchanged; what is missing on the way is made.

    An item of a list is named by its position, or by its ``name``. Values are read as YAML.

    Raises:
        ValueError: a path leads nowhere; the message begins with it.
    """
    result = copy.deepcopy(manifest)
    for path, text in overrides.items():
        _set(result, path, parse_value(text))
    return result


def _set(manifest: Any, path: str, value: Any) -> None:
    *way, last = parse_path(path)
    target = manifest
    for segment, following in zip(way, [*way[1:], last], strict=True):
        target = _step(target, segment, following, path)
    match target:
        case dict():
            target[last] = value
        case list():
            target[_position(target, last, path)] = value
        case _:
            raise ValueError(f"{path}: {way[-1]} is a value, which has no {last} below it")


def _step(target: Any, segment: str, following: str, path: str) -> Any:
    match target:
        case dict():
            below = target.setdefault(segment, {})
            if below is None:
                below = target[segment] = {}
            return below
        case list():
            return target[_position(target, segment, path)]
    raise ValueError(f"{path}: there is no {following} below {segment}")


def _position(items: list[Any], segment: str, path: str) -> int:
    names = [item.get("name") for item in items if isinstance(item, dict)]
    if segment.isdecimal() and int(segment) < len(items):
        return int(segment)
    if segment in names:
        return next(i for i, item in enumerate(items) if item.get("name") == segment)
    there = ", ".join(str(name) for name in names if name) or f"positions 0 to {len(items) - 1}"
    raise ValueError(f"{path}: the list has no {segment}; it has {there}")
