"""JSON Schema as pydantic writes it → the structural schema that Kubernetes takes. Pure.

Kubernetes knows neither references nor unions, and prunes by properties, so that everything is
written out in place. What has no structural form is an error, never a guess.
"""

from collections.abc import Mapping
from typing import Any

Schema = dict[str, Any]

_KEPT = (
    "type",
    "format",
    "enum",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "required",
)
_UNTYPED = ("x-kubernetes-preserve-unknown-fields", "x-kubernetes-int-or-string")


class NotStructuralError(ValueError):
    """A schema that Kubernetes cannot take; the message says where it stands."""


def structural(schema: Schema, definitions: Mapping[str, Schema], path: str = "") -> Schema:
    """``schema`` without references, unions and titles; what stands beside a reference wins."""
    schema = _resolved(schema, definitions, path)
    result = {key: schema[key] for key in _KEPT if key in schema}
    result |= {key: value for key, value in schema.items() if key.startswith("x-kubernetes-")}
    if "const" in schema:
        result["enum"] = [schema["const"]]
    if "description" in schema:
        result["description"] = " ".join(schema["description"].split())
    if schema.get("default") is not None:
        result["default"] = _default(schema)
    if "properties" in schema:
        result["properties"] = {
            name: structural(below, definitions, f"{path}.{name}")
            for name, below in schema["properties"].items()
        }
    if "items" in schema:
        result["items"] = structural(schema["items"], definitions, f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        result["additionalProperties"] = structural(
            schema["additionalProperties"], definitions, f"{path}[*]"
        )
    return _typed(result, path)


def _resolved(schema: Schema, definitions: Mapping[str, Schema], path: str) -> Schema:
    """``schema`` with its reference, or its one arm that is not null, written out."""
    if "$ref" in schema:
        target = definitions[schema["$ref"].removeprefix("#/$defs/")]
        return _resolved({**target, **_without(schema, "$ref")}, definitions, path)
    if "anyOf" in schema:
        arms = [arm for arm in schema["anyOf"] if arm.get("type") != "null"]
        if len(arms) != 1:
            raise NotStructuralError(f"{path} is a union, which Kubernetes does not know")
        arm = _resolved(arms[0], definitions, path)
        return {**arm, **_without(schema, "anyOf")}
    return schema


def _without(schema: Schema, key: str) -> Schema:
    return {name: value for name, value in schema.items() if name != key}


def _default(schema: Schema) -> Any:
    """An object's default is empty: the API server fills in the defaults of its fields."""
    return {} if "properties" in schema and schema["default"] else schema["default"]


def _typed(schema: Schema, path: str) -> Schema:
    if "type" not in schema and not any(key in schema for key in _UNTYPED):
        raise NotStructuralError(f"{path} has no type")
    return schema
