"""What of the library is public, read from its source: nothing is imported."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import griffe

from docs import ROOT

_LIBRARY = "modelstream"


@dataclass(frozen=True)
class Room:
    """A part of the library.

    Attributes:
        title: its heading.
        guide: the page that tells how its names are used.
        sources: modules, of which all that is public and their own; and single names.
    """

    title: str
    guide: str
    sources: tuple[str, ...]


ROOMS = (
    Room("Models", "library.md", ("models", "models.bound.OutputReader", "models.running.model")),
    Room(
        "Tables, streams and SQL",
        "library.md",
        (
            "flink.entry.infer",
            "flink.route.Inferred",
            "flink.route.Route",
            "flink.route.Choice",
            "scoring.records.RecordDecoder",
            "scoring.batch.Batch",
            "flink.environment.configure",
            "flink.sql.register",
        ),
    ),
    Room(
        "Functions with models",
        "functions.md",
        (
            "flink.classes",
            "flink.closures.map_with_model",
            "flink.closures.flat_map_with_model",
            "flink.closures.filter_with_model",
            "flink.closures.process_with_model",
            "flink.awaiting.map_batches_with_model",
            "flink.awaiting.async_with_model",
            "flink.awaiting.ModelAsyncFunction",
            "scoring.session.ModelHandle",
            "scoring.together.AsyncModelHandle",
        ),
    ),
    Room("Values and tensors", "tensors.md", ("convert",)),
    Room(
        "Models that learn or remember",
        "online.md",
        (
            "online",
            "recurrent.definition.RecurrentModel",
            "recurrent.hidden.HiddenState",
            "recurrent.function.infer_with_state",
        ),
    ),
    Room("Sequences of events", "patterns.md", ("patterns",)),
    Room("Fetching", "models.md", ("fetch", "fetch.digest.Tree", "fetch.retry.Retry")),
    Room(
        "Dead letters",
        "errors.md",
        ("failure", "scoring.letter.DEAD_LETTER_COLUMNS", "flink.letters.dead_letters"),
    ),
    Room("Errors", "errors.md", ("errors",)),
)


@dataclass(frozen=True)
class Surface:
    """The public names.

    Attributes:
        library: all of the source.
        rooms: room → name as users write it → what it is.
    """

    library: griffe.Module
    rooms: dict[Room, dict[str, griffe.Object]]

    @classmethod
    def read(cls) -> Self:
        """Read the library's source."""
        library = griffe.load(
            _LIBRARY,
            search_paths=[ROOT / "runtime"],
            docstring_parser="google",
            resolve_aliases=True,
        )
        assert isinstance(library, griffe.Module)
        short = {found.path: f"ms.{name}" for name, found in exported(library)}
        rooms = {}
        for room in ROOMS:
            found = [pair for source in room.sources for pair in _names(library, source)]
            named = [(short.get(each.path, path), each) for path, each in found]
            rooms[room] = dict(sorted(named, key=lambda pair: not pair[0].startswith("ms.")))
        return cls(library, rooms)

    @cached_property
    def names(self) -> dict[str, griffe.Object]:
        """Of all rooms."""
        return {name: found for names in self.rooms.values() for name, found in names.items()}

    @cached_property
    def paths(self) -> set[str]:
        """Where they are defined."""
        return {found.path for found in self.names.values()}

    def parameters(self, found: griffe.Object) -> list[griffe.Parameter]:
        """What a function takes, or a class is made from unless a public base says it."""
        function = found
        if isinstance(found, griffe.Class):
            function = target(found.all_members.get("__init__", found))
            if _owner(function) in self.paths - {found.path}:
                return []
        given = function.parameters if isinstance(function, griffe.Function) else ()
        return [each for each in given if each.name not in {"self", "cls"}]

    def methods(self, found: griffe.Object) -> list[griffe.Function]:
        """A class's public methods."""
        return [each for each in self._own(found) if isinstance(each, griffe.Function)]

    def attributes(self, found: griffe.Object) -> list[griffe.Attribute]:
        """A class's public attributes; the fields of a dataclass are its parameters."""
        fields = self.parameters(found) if "dataclass" in found.labels else ()
        attributes = [each for each in self._own(found) if isinstance(each, griffe.Attribute)]
        return [each for each in attributes if each.name not in {field.name for field in fields}]

    def _own(self, found: griffe.Object) -> list[griffe.Object]:
        """The public members, but not what a public base gives."""
        members = [target(each) for name, each in found.all_members.items() if name[0] != "_"]
        return [each for each in members if _owner(each) not in self.paths - {found.path}]

    def spelled(self, expression: griffe.Expr | str | None) -> str | None:
        """Types and defaults, with what a name stands for where the name is not public."""
        if expression is None or isinstance(expression, str):
            return expression
        return "".join(self._meant(part) for part in expression.iterate(flat=True))

    def _meant(self, part: griffe.Expr | str) -> str:
        if not isinstance(part, griffe.ExprName) or part.canonical_path in self.paths:
            return str(part)
        known = self.library.modules_collection
        try:
            found = target(known[part.canonical_path])
        except (KeyError, griffe.AliasResolutionError):
            return str(part)
        constant = "module-attribute" in found.labels and found.path not in self.paths
        if isinstance(found, griffe.Attribute) and constant:
            return str(self.spelled(found.value))
        return str(part)


def exported(module: griffe.Module) -> Iterator[tuple[str, griffe.Object]]:
    """The public names of a module, those that it takes from others too."""
    public = [
        name
        for name, member in module.members.items()
        if member.is_public or (member.is_alias and _is_handed_on(module, member))
    ]
    for name in module.exports or public:
        found = _resolved(module, f"{module.path}.{name}")
        if not found.is_module:
            yield str(name), found


def _is_handed_on(module: griffe.Module, member: griffe.Object | griffe.Alias) -> bool:
    """Whether the library itself takes a name from one of its modules, for its users."""
    return module.path == _LIBRARY and member.target_path.startswith(f"{_LIBRARY}.")


def target(found: griffe.Object | griffe.Alias) -> griffe.Object:
    """What a name that was imported or inherited stands for."""
    return found.final_target if isinstance(found, griffe.Alias) else found


def _owner(member: griffe.Object) -> str:
    return member.parent.path if member.parent else ""


def meanings(found: griffe.Object) -> dict[str, str]:
    """What the docstrings say of parameters and fields, by name."""
    known = {}
    if "dataclass" in found.labels:
        members = found.all_members.items()
        known = {name: said(each) for name, each in members if each.is_attribute and said(each)}
    kinds = {griffe.DocstringSectionKind.parameters, griffe.DocstringSectionKind.attributes}
    for section in found.docstring.parsed if found.docstring else ():
        if section.kind in kinds:
            known |= {each.name: each.description for each in section.value}
    return known


def said(found: griffe.Object | griffe.Alias) -> str:
    """A docstring without headings, for a list."""
    text = found.docstring.value if found.docstring else ""
    return re.sub(r"Raises:\n\s+(\w+): ", r"Raises `\1`: ", text)


def _names(library: griffe.Module, source: str) -> Iterator[tuple[str, griffe.Object]]:
    found = library[source]
    if not isinstance(found, griffe.Module):
        yield found.path, found
        return
    for name, member in exported(found):
        if member.path.startswith(f"{found.path}."):
            yield f"{found.path}.{name}", member


def _resolved(module: griffe.Module, path: str) -> griffe.Object:
    """What a name stands for: also where a module of the same name hides it."""
    found = target(module.modules_collection[path])
    hidden = found.parent.imports.get(found.name) if found.is_module and found.parent else None
    return _resolved(module, hidden) if hidden and hidden != path else found
