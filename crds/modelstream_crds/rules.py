"""Rules: what a value must satisfy, once for the API server (CEL) and once for Python.

A rule stands beside the field or the class that it is about. Its message says what to write
instead; where it was broken is said by the path. Both twins run over the same table of cases.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, ClassVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema


@dataclass(frozen=True)
class Rule:
    """One rule over a value, ``self`` in CEL.

    ``at`` is where below the value the user has to look (``.deadLetter``). A rule without
    ``cel`` is about values that CEL cannot see: ``validate`` and the operator check it. ``shows``
    says what in a value broke the rule, where the place alone does not. The API server does not:
    it takes no messageExpression whose length it cannot bound beforehand, as of names in a list.
    """

    name: str
    message: str
    holds: Callable[[Any], bool]
    cel: str | None = None
    at: str = ""
    pattern: str | None = None
    shows: Callable[[Any], str] | None = None

    def told(self, value: Any) -> str:
        """What is said to somebody whose ``value`` breaks the rule."""
        return self.message if self.shows is None else f"{self.message} ({self.shows(value)})"

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add the rule to the schema of the field that it annotates."""
        schema = handler.resolve_ref_schema(handler(core))
        add_to_schema(schema, self)
        return schema


def add_to_schema(schema: JsonSchemaValue, rule: Rule) -> None:
    """Write what the API server can check of ``rule`` into ``schema``."""
    if rule.pattern is not None:
        schema["pattern"] = rule.pattern
    if rule.cel is None:
        return
    entry = {"rule": rule.cel, "message": rule.message}
    if rule.at:
        entry["fieldPath"] = rule.at
    schema.setdefault("x-kubernetes-validations", []).append(entry)


@dataclass(frozen=True)
class ListOf:
    """How the items of a list are told apart: by ``key``, or by their whole value."""

    key: str | None = None

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add Kubernetes' list type to the schema."""
        schema = handler(core)
        schema["x-kubernetes-list-type"] = "map" if self.key else "set"
        if self.key:
            schema["x-kubernetes-list-map-keys"] = [self.key]
        return schema

    def duplicates(self, items: tuple[Any, ...]) -> Iterator[tuple[int, Any]]:
        """Positions of the items that were there before, and by what one tells it."""
        seen = set()
        for index, item in enumerate(items):
            identity = getattr(item, self.key) if self.key else item
            if identity in seen:
                yield index, identity
            seen.add(identity)


class Part(BaseModel):
    """A part of the resource: frozen, camelCase outside, unknown fields ignored.

    Unknown fields are ignored here, so that an older operator reads what a newer API server
    stored; a manifest that a person wrote is read strictly by ``modelstream_crds.manifest``.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="ignore",
        alias_generator=to_camel,
        populate_by_name=True,
        use_attribute_docstrings=True,
    )

    rules: ClassVar[tuple[Rule, ...]] = ()

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        """Add the rules of the class to its schema."""
        schema = handler.resolve_ref_schema(handler(core))
        for rule in cls.rules:
            add_to_schema(schema, rule)
        return schema


@dataclass(frozen=True)
class Violation:
    """A rule that does not hold, and where."""

    path: str
    message: str
    rule: Rule | None = None


def violations(part: Part, path: str = "") -> Iterator[Violation]:
    """Everything below ``part`` that breaks a rule, in the order of the fields."""
    yield from _broken(part, type(part).rules, path)
    for name, field in type(part).model_fields.items():
        value = getattr(part, name)
        if value is not None:
            yield from _check(value, _annotated(field), f"{path}.{field.alias}".lstrip("."))


def every_rule(part: type[Part]) -> Iterator[Rule]:
    """All rules of ``part`` and of what it holds; a rule of several fields comes once for each."""
    yield from part.rules
    for field in part.model_fields.values():
        yield from _rules_of(_annotated(field))


def _annotated(field: FieldInfo) -> Any:
    """The whole type of a field; pydantic keeps the outer markers apart."""
    return Annotated.__class_getitem__((field.annotation, *field.metadata, None))  # type: ignore[attr-defined] # built at run time


def _rules_of(annotation: Any) -> Iterator[Rule]:
    inner, markers = unwrap(annotation)
    yield from (marker for marker in markers if isinstance(marker, Rule))
    if isinstance(inner, type) and issubclass(inner, Part):
        yield from every_rule(inner)
    else:
        for argument in get_args(inner):
            yield from _rules_of(argument)


def _check(value: Any, annotation: Any, path: str) -> Iterator[Violation]:
    inner, markers = unwrap(annotation)
    yield from _broken(value, (m for m in markers if isinstance(m, Rule)), path)
    for marker in markers:
        if isinstance(marker, ListOf):
            for index, identity in marker.duplicates(value):
                said = f"{identity} is there twice: remove one of the two, or give it another name"
                yield Violation(f"{path}[{index}]", said)
    match value:
        case Part():
            yield from violations(value, path)
        case tuple():
            for index, item in enumerate(value):
                yield from _check(item, get_args(inner)[0], f"{path}[{index}]")
        case dict() if get_args(inner):
            for key, item in value.items():
                yield from _check(item, get_args(inner)[1], f"{path}[{key}]")


def _broken(value: Any, rules: Any, path: str) -> Iterator[Violation]:
    for rule in rules:
        if not rule.holds(value):
            yield Violation((path + rule.at).lstrip("."), rule.told(value), rule)


def unwrap(annotation: Any) -> tuple[Any, tuple[Any, ...]]:
    """A type without Annotated and Optional, and the markers that stood on it."""
    markers: tuple[Any, ...] = ()
    while True:
        origin = get_origin(annotation)
        if origin is Annotated:
            annotation, *found = get_args(annotation)
            markers += tuple(found)
        elif origin in (Union, UnionType):
            arms = [arm for arm in get_args(annotation) if arm is not type(None)]
            if len(arms) != 1:
                return annotation, markers
            annotation = arms[0]
        else:
            return annotation, markers
