"""What a manifest's reader refuses and the models let pass: unknown and empty fields."""

import difflib
from collections.abc import Iterator
from typing import Any, get_args

from modelstream_crds.documents import Path
from modelstream_crds.rules import Part, unwrap


def unknown_fields(value: Any, annotation: Any, path: Path = ()) -> Iterator[tuple[Path, str]]:
    """Each field of ``value`` that its type does not have, and what was meant."""
    inner, _ = unwrap(annotation)
    match value:
        case dict() if isinstance(inner, type) and issubclass(inner, Part):
            yield from _unknown_in(value, inner, path)
        case dict() if len(get_args(inner)) == 2:
            for key, item in value.items():
                yield from unknown_fields(item, get_args(inner)[1], (*path, key))
        case list() if get_args(inner):
            for index, item in enumerate(value):
                yield from unknown_fields(item, get_args(inner)[0], (*path, index))


def _unknown_in(value: dict[str, Any], part: type[Part], path: Path) -> Iterator[tuple[Path, str]]:
    fields = {str(field.alias): field for field in part.model_fields.values()}
    for key, item in value.items():
        here = (*path, key)
        if key not in fields:
            yield here, _unknown(key, list(fields))
        elif item is None:
            yield here, "says nothing: write a value, or leave the field out"
        else:
            yield from unknown_fields(item, fields[key].annotation, here)


def _unknown(key: str, known: list[str]) -> str:
    folded = {name.lower(): name for name in known}
    near = difflib.get_close_matches(key.lower().replace("_", ""), folded, n=1, cutoff=0.6)
    if near:
        return f"is an unknown field: did you mean {folded[near[0]]}?"
    return f"is an unknown field: known here are {', '.join(sorted(known))}"
