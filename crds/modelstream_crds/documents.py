"""YAML as Kubernetes reads it, and the line on which each value stands."""

import re
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, TypeAlias

import yaml

Segment: TypeAlias = str | int
Path: TypeAlias = tuple[Segment, ...]


class _Loader(yaml.SafeLoader):
    """Without YAML 1.1's dates, sexagesimal and octal-looking surprises; keys are there once."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """Refuse a key that is there twice, as `kubectl` does."""
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise yaml.MarkedYAMLError(
                    problem="a key must be a string", problem_mark=key.start_mark
                )
            if key.value in seen and key.value != "<<":
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key.value!r} is there twice: remove one of the two",
                    problem_mark=key.start_mark,
                )
            seen.add(key.value)
        mapping = super().construct_mapping(node, deep)
        return {_key_text(key): value for key, value in mapping.items()}


def _key_text(key: Hashable) -> str:
    return str(key).lower() if isinstance(key, bool) else str(key)


def _resolve_like_kubernetes() -> None:
    dropped = ("tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
    _Loader.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in resolvers if tag not in dropped]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    integer = re.compile(r"^[-+]?(0|[1-9][0-9]*|0x[0-9a-fA-F]+|0o[0-7]+)$")
    decimal = re.compile(r"^[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?$")
    _Loader.add_implicit_resolver("tag:yaml.org,2002:int", integer, list("-+0123456789"))
    _Loader.add_implicit_resolver("tag:yaml.org,2002:float", decimal, list("-+.0123456789"))


_resolve_like_kubernetes()


@dataclass(frozen=True)
class Document:
    """One document of a file: its value, and where each part of it stands."""

    value: Any
    file: str
    _node: yaml.Node = field(repr=False)

    def line(self, path: Path) -> int:
        """The line of the value at ``path``, or of the nearest thing above it that is there."""
        return self._found(path)[0] + 1

    def text_line(self, path: Path, number: int) -> int:
        """The line of the file that is line ``number`` of the text at ``path``."""
        _, node = self._found(path)
        is_block = isinstance(node, yaml.ScalarNode) and node.style in ("|", ">")
        return node.start_mark.line + number + is_block

    def has(self, path: Path) -> bool:
        """Whether there is a value at ``path``."""
        node = self._node
        for segment in path:
            below = _child(node, segment)
            if below is None:
                return False
            node = below[1]
        return True

    def _found(self, path: Path) -> tuple[int, yaml.Node]:
        node, line = self._node, self._node.start_mark.line
        for segment in path:
            below = _child(node, segment)
            if below is None:
                break
            mark, node = below
            line = mark.line
        return line, node


def documents(text: str, file: str) -> Iterator[Document]:
    """The documents of ``text`` that are not empty.

    Raises:
        yaml.MarkedYAMLError: the text is not YAML.
    """
    loader = _Loader(text)
    try:
        while loader.check_node():
            node = loader.get_node()
            loader.deep_construct = True  # or a value may hold itself
            value = loader.construct_document(node)
            if node is not None and value is not None:
                yield Document(value, file, node)
    finally:
        loader.dispose()


def parse_value(text: str) -> Any:
    """A value on its own, read as in a document: ``3`` is a number, ``[a, b]`` a list."""
    for document in documents(text, ""):
        return document.value
    return None


def _child(node: yaml.Node, segment: Segment) -> tuple[yaml.Mark, yaml.Node] | None:
    match node, segment:
        case yaml.MappingNode(), str():
            for key, value in node.value:
                if key.value == segment:
                    return key.start_mark, value
        case yaml.SequenceNode(), int() if segment < len(node.value):
            return node.value[segment].start_mark, node.value[segment]
    return None


def render(path: Path) -> str:
    """``path`` as messages show it: ``spec.models[0].options[scan.startup.mode]``."""
    text = ""
    for segment in path:
        if isinstance(segment, int) or not re.fullmatch(r"\$?[A-Za-z_][A-Za-z0-9_]*", segment):
            text += f"[{segment}]"
        else:
            text += f".{segment}"
    return text.lstrip(".")


_OPTIONS: frozenset[tuple[str, str]] = frozenset(
    {
        ("source", "options"),
        ("sink", "options"),
        ("deadLetter", "options"),
        ("flink", "configuration"),
    }
)
"""Mappings of options, whose keys have dots and whose values nothing below them."""


def parse_path(text: str) -> tuple[str, ...]:
    """The segments of ``spec.models[fraud].uri``; a quoted key may hold dots and brackets.

    What stands below options is one key: ``spec.flink.configuration.state.backend.type``.

    Raises:
        ValueError: ``text`` is not a path.
    """
    part = re.compile(r"""\.?([A-Za-z_$][\w-]*)|\[(?:'([^']*)'|"([^"]*)"|([^\]'"]+))\]""")
    segments: list[str] = []
    at = 0
    while at < len(text):
        match = part.match(text, at)
        if match is None:
            raise ValueError(
                f"{text!r} is not a path: write it as in spec.models[fraud].uri or"
                " spec.pipeline.source.options[scan.startup.mode]"
            )
        segments.append(next(group for group in match.groups() if group is not None))
        at = match.end()
    return _with_option(segments)


def _with_option(segments: list[str]) -> tuple[str, ...]:
    for at, pair in enumerate(pairwise(segments), 2):
        if pair in _OPTIONS:
            option = ".".join(segments[at:])
            return (*segments[:at], *([option] if option else ()))
    return tuple(segments)
