"""The reference of the fields, as Markdown, from the same schema as the resource itself."""

import json
from collections.abc import Iterator

from modelstream_crds import names
from modelstream_crds.crd import custom_resource_definition
from modelstream_crds.reserved import RESERVED, RESERVED_BY_BATCH
from modelstream_crds.structural import Schema

_INTRODUCTION = f"""# ModelStream, {names.API_VERSION}

Generated from `crds/modelstream_crds` by `make crds`. The same text is in
`kubectl explain {names.SINGULAR} --recursive`.

A field without a default and not required may be left out; what is not in this list is refused.
"""


def as_markdown() -> str:
    """Every field of spec and status: type, default, meaning; then the rules between fields."""
    version = custom_resource_definition()["spec"]["versions"][0]
    root = version["schema"]["openAPIV3Schema"]
    lines = [_INTRODUCTION]
    for part in ("spec", "status"):
        schema = root["properties"][part]
        lines += [f"## {part}\n", *_table(schema, part), ""]
    lines += ["## Rules\n", "What breaks one of these is refused, offline and by the API server.\n"]
    lines += [f"- {rule}" for rule in dict.fromkeys(_rules(root, ""))]
    lines += ["", "## Options of Flink that ModelStream sets\n"]
    lines += [f"- `{key}`: {instead}" for key, instead in RESERVED.items()]
    lines += [f"- `{key}` in a pipeline: {instead}" for key, instead in RESERVED_BY_BATCH.items()]
    return "\n".join(lines) + "\n"


def _table(schema: Schema, path: str) -> Iterator[str]:
    yield "| Field | Type | Default | Meaning |"
    yield "|---|---|---|---|"
    yield from _rows(schema, path)


def _rows(schema: Schema, path: str) -> Iterator[str]:
    required = schema.get("required", [])
    for name, field in schema.get("properties", {}).items():
        here = f"{path}.{name}"
        default = _default(field, name in required)
        yield f"| `{here}` | {_type(field)} | {default} | {_said(field)} |"
        if not _is_free(field):
            yield from _rows(*_below(field, here))


def _below(field: Schema, path: str) -> tuple[Schema, str]:
    """The schema whose properties come next: of the object, the items or the values."""
    if "items" in field:
        return field["items"], f"{path}[]"
    if isinstance(field.get("additionalProperties"), dict):
        return field["additionalProperties"], f"{path}[*]"
    return field, path


def _is_free(field: Schema) -> bool:
    return bool(field.get("x-kubernetes-preserve-unknown-fields"))


def _type(field: Schema) -> str:
    if "enum" in field:
        return " \\| ".join(f"`{value}`" for value in field["enum"])
    if "items" in field:
        return f"list of {_type(field['items'])}"
    if isinstance(field.get("additionalProperties"), dict):
        return f"map to {_type(field['additionalProperties'])}"
    if field.get("x-kubernetes-int-or-string"):
        return "quantity"
    return str(field.get("type", "scalar"))


def _default(field: Schema, required: bool) -> str:
    if required:
        return "required"
    default = field.get("default")
    return "" if default in (None, {}) else f"`{json.dumps(default)}`"


def _said(field: Schema) -> str:
    return str(field.get("description", "")).replace("|", "\\|")


def _rules(schema: Schema, path: str) -> Iterator[str]:
    for entry in schema.get("x-kubernetes-validations", []):
        if "['" not in entry.get("fieldPath", ""):
            where = f"{path}{entry.get('fieldPath', '')}".lstrip(".")
            yield f"`{where}`: {entry['message']}."
    for name, field in schema.get("properties", {}).items():
        here = f"{path}.{name}"
        below, at = _below(field, here)
        if below is not field:
            yield from _rules({"x-kubernetes-validations": _own(field)}, here)
        yield from _rules(below, at)


def _own(field: Schema) -> list[dict[str, str]]:
    return list(field.get("x-kubernetes-validations", []))
