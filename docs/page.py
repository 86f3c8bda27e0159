"""The reference of the library, as Markdown."""

import re
from collections.abc import Iterable, Iterator

import griffe
from griffe import DocstringSectionKind as Kind

from docs.surface import Surface, meanings, said

_INTRODUCTION = """# The library, name by name

Generated from the docstrings of `runtime/modelstream` by `make reference`. `ms` is `modelstream`,
as in `import modelstream as ms`; the other names come from the module that stands before them. What
stands after `=` is the default."""
_OUTCOMES = {Kind.returns: "Returns", Kind.yields: "Yields", Kind.raises: "Raises"}
# Examples are for tool tips; a guide has those that run.
_TOLD_BEFORE = {Kind.text, Kind.parameters, Kind.attributes, Kind.examples}
_STARS: dict[griffe.ParameterKind | None, str] = {
    griffe.ParameterKind.var_positional: "*",
    griffe.ParameterKind.var_keyword: "**",
}


def as_markdown(surface: Surface) -> str:
    """Every public name: how it is called, what it means, what it raises."""
    parts = [_INTRODUCTION]
    for room, names in surface.rooms.items():
        links = (f"[`{_short(name)}`](#{anchor(name)})" for name in names)
        parts.append(f"**{room.title}**: {', '.join(links)}.")
    anchors = _anchors(surface)
    for room, names in surface.rooms.items():
        parts += [f"## {room.title}", f"Guide: [{room.guide}](../{room.guide})."]
        for name, found in names.items():
            heading, *texts = _entry(name, found, surface)
            parts += [heading, *(_linked(text, anchors) for text in texts)]
    return "\n\n".join(parts) + "\n"


def anchor(heading: str) -> str:
    """The address of a heading in its page, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def _short(name: str) -> str:
    return name if name.startswith("ms.") else name.rpartition(".")[2]


def _anchors(surface: Surface) -> dict[str, str]:
    """What a docstring may call a name → the address of its entry."""
    found: dict[str, str] = {}
    for name in sorted(surface.names, key=len):
        found[name] = anchor(name)
        found.setdefault(name.rpartition(".")[2], anchor(name))
    return found


def _linked(text: str, anchors: dict[str, str]) -> str:
    """A docstring's text as Markdown, with a link at each public name in single backticks."""

    def marked(span: re.Match[str]) -> str:
        code = span[0]
        if code == "<":  # else it would begin a tag of HTML
            return "\\<"
        return f"[{code}](#{anchors[span[1]]})" if span[1] in anchors else code

    if text.startswith("#"):
        return text
    return re.sub(r"``[^`]+``|`([^`]+)`|<", marked, text)


def _entry(name: str, found: griffe.Object, surface: Surface) -> Iterator[str]:
    yield f"### `{name}`"
    yield from _body(found, surface)
    for method in surface.methods(found):
        yield f"#### `{found.name}.{method.name}`"
        yield from _body(method, surface)


def _body(found: griffe.Object, surface: Surface) -> Iterator[str]:
    """How it is called, what it is, its parameters and attributes, what comes of it."""
    known = meanings(found)
    given = surface.parameters(found)
    attributes = surface.attributes(found)
    explained = bool({each.name for each in given} & known.keys() - {x.name for x in attributes})
    yield from _head(found, given, surface, types=not explained)
    sections = found.docstring.parsed if found.docstring else []
    yield from (section.value for section in sections if section.kind is Kind.text)
    if explained:
        yield _items((_declared(each, surface), known.get(each.name, "")) for each in given)
    if attributes:
        yield "Attributes:"
        yield _items((_declared(x, surface), said(x) or known.get(x.name, "")) for x in attributes)
    for section in sections:
        if section.kind in _OUTCOMES:
            yield f"{_OUTCOMES[section.kind]}:"
            yield _items(
                (surface.spelled(each.annotation) or "", each.description) for each in section.value
            )
        elif section.kind not in _TOLD_BEFORE:
            raise ValueError(
                f"{found.path}: {section.kind.value} of a docstring have no place here"
            )


def _head(
    found: griffe.Object, given: list[griffe.Parameter], surface: Surface, *, types: bool
) -> Iterator[str]:
    """How it is called, or what a constant is; without the types that a list below it has."""
    if isinstance(found, griffe.Attribute):
        yield f"`{_declared(found, surface)}`"
    if isinstance(found, griffe.Function) or given:
        shown = (
            griffe.Parameter(
                each.name,
                kind=each.kind,
                annotation=surface.spelled(each.annotation) if types else None,
                default=_default(each, surface) or None,
            )
            for each in given
        )
        call = griffe.Function(found.name, parameters=griffe.Parameters(*shown)).signature()
        made = "Class method: " if "classmethod" in found.labels else ""
        result = surface.spelled(found.returns) if isinstance(found, griffe.Function) else None
        yield f"{made}`{call} -> {result}`" if result else f"{made}`{call}`"
    if isinstance(found, griffe.Class):
        bases = [f"`{base}`" for base in found.bases if not str(base).startswith("_")]
        if bases:
            yield f"Bases: {', '.join(bases)}."


def _declared(each: griffe.Attribute | griffe.Parameter, surface: Surface) -> str:
    """Name, type and default, or a constant's value."""
    stars, value = "", ""
    if isinstance(each, griffe.Parameter):
        value = _default(each, surface)
        stars = _STARS.get(each.kind, "")
    elif each.labels & {"class-attribute", "module-attribute"}:
        value = surface.spelled(each.value) or ""
    kind = f": {surface.spelled(each.annotation)}" if each.annotation else ""
    return f"{stars}{each.name}{kind}" + (f" = {value}" if value else "")


def _default(each: griffe.Parameter, surface: Surface) -> str:
    """How a default is written; without the private name of what computes it."""
    if each.kind in _STARS or each.default is None:
        return ""
    written = surface.spelled(each.default) or ""
    return "..." if written.startswith(("_", "(lambda")) else written


def _items(pairs: Iterable[tuple[str, str]]) -> str:
    texts = ((code, " ".join(meaning.split())) for code, meaning in pairs)
    return "\n".join(f"- `{code}`: {text}" if text else f"- `{code}`" for code, text in texts)
