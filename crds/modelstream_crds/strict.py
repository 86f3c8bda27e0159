"""What a manifest's reader refuses and the models let pass: unknown and empty fields."""

import difflib
from collections.abc import Iterator
from typing import Any, get_args

from modelstream_crds.documents import Path
from modelstream_crds.rules import Part, unwrap


def unknown_fields(
    value: Any, annotation: Any, path: Path = (), around: tuple[type[Part], ...] = ()
) -> Iterator[tuple[Path, str]]:
    """Each field of ``value`` that its type does not have, and what was meant.

    Args:
        value: of the manifest.
        annotation: its type.
        path: where it is.
        around: the types that hold it, from the outermost on.
    """
    inner, _ = unwrap(annotation)
    match value:
        case dict() if isinstance(inner, type) and issubclass(inner, Part):
            yield from _unknown_in(value, inner, path, (*around, inner))
        case dict() if len(get_args(inner)) == 2:
            for key, item in value.items():
                yield from unknown_fields(item, get_args(inner)[1], (*path, key), around)
        case list() if get_args(inner):
            for index, item in enumerate(value):
                yield from unknown_fields(item, get_args(inner)[0], (*path, index), around)


def _unknown_in(
    value: dict[str, Any], part: type[Part], path: Path, around: tuple[type[Part], ...]
) -> Iterator[tuple[Path, str]]:
    fields = {str(field.alias): field for field in part.model_fields.values()}
    for key, item in value.items():
        here = (*path, key)
        if key not in fields:
            yield here, _unknown(key, list(fields), around)
        elif item is None:
            yield here, "says nothing: write a value, or leave the field out"
        else:
            yield from unknown_fields(item, fields[key].annotation, here, around)


def _unknown(key: str, known: list[str], around: tuple[type[Part], ...]) -> str:
    for part in around[-2::-1]:
        if key in _aliases(part):
            beside = _other(part, key)
            return f"is not a field of this: write {key} farther to the left, beside {beside}"
    below = [name for name in known if key in _below(around[-1], name)]
    if below:
        return f"is an unknown field: it belongs below {below[0]}"
    folded = {name.lower(): name for name in known}
    near = difflib.get_close_matches(key.lower().replace("_", ""), folded, n=1, cutoff=0.6)
    if near:
        return f"is an unknown field: did you mean {folded[near[0]]}?"
    return f"is an unknown field: known here are {', '.join(sorted(known))}"


def _aliases(part: type[Part]) -> list[str]:
    return [str(field.alias) for field in part.model_fields.values()]


def _other(part: type[Part], key: str) -> str:
    return next(name for name in _aliases(part) if name != key)


def _below(part: type[Part], name: str) -> list[str]:
    """The fields of a field."""
    field = next(each for each in part.model_fields.values() if each.alias == name)
    inner, _ = unwrap(field.annotation)
    return _aliases(inner) if isinstance(inner, type) and issubclass(inner, Part) else []
