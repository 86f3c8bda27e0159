"""The scalar types of the resource, each with what it must look like."""

import re
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, StringConstraints, WithJsonSchema

from modelstream_crds import quantities
from modelstream_crds.rules import Rule


def _matches(pattern: str) -> Any:
    return lambda text: re.search(pattern, text) is not None


def _matching(name: str, pattern: str, message: str, *, in_schema: bool = False) -> Rule:
    return Rule(
        name=name,
        message=message,
        cel=f"self.matches({cel_string(pattern)})",
        holds=_matches(pattern),
        pattern=pattern if in_schema else None,
    )


def cel_string(text: str) -> str:
    """``text`` as a CEL literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


_POSITIVE_CEL: Final = (
    f"!self.matches({cel_string(quantities.DURATION_PATTERN)}) || duration(self) > duration('0s')"
)


def _is_positive(text: str) -> bool:
    return not re.match(quantities.DURATION_PATTERN, text) or bool(quantities.duration(text))


Duration = Annotated[
    str,
    StringConstraints(max_length=32),
    _matching(
        "duration",
        quantities.DURATION_PATTERN,
        "is not a duration: write one such as 50ms, 30s, 1m30s or 2h",
        in_schema=True,
    ),
    Rule(
        name="duration-positive",
        message="must be longer than nothing: write a duration such as 50ms or 30s",
        cel=_POSITIVE_CEL,
        holds=_is_positive,
    ),
]

Bytes = Annotated[
    str,
    StringConstraints(max_length=32),
    _matching(
        "bytes",
        quantities.BYTES_PATTERN,
        "is not a quantity of bytes: write one such as 500Mi or 2Gi",
        in_schema=True,
    ),
]

ModelName = Annotated[
    str,
    StringConstraints(max_length=63),
    _matching(
        "model-name",
        "^[a-z][a-z0-9]{0,39}$",
        "is a directory and an SQL function too: write a lower-case letter, then up to 39"
        " lower-case letters and digits, such as fraud2",
    ),
]

Digest = Annotated[
    str,
    StringConstraints(max_length=128),
    _matching(
        "digest",
        "^sha256:[0-9a-f]{64}$",
        "is not a digest: write sha256: and 64 hexadecimal digits, as `modelstream fetch` prints"
        " them",
    ),
]

# The name of a Secret, ConfigMap or claim.
ObjectName = Annotated[
    str,
    StringConstraints(max_length=253),
    _matching(
        "object-name",
        "^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$",
        "is not a name of a Kubernetes object: write lower-case letters, digits, '-' and '.', such"
        " as model-store",
    ),
]

# A key of a Secret or ConfigMap: a file name below a mounted directory, so never '..'.
DataKey = Annotated[
    str,
    StringConstraints(max_length=253),
    _matching(
        "data-key",
        "^[A-Za-z0-9_-][-._A-Za-z0-9]*$",
        "is not a key of a Secret or ConfigMap: write letters, digits, '-', '_' and '.', such as"
        " password",
    ),
]

# A tensor of a graph, as TensorFlow spells it.
TensorName = Annotated[
    str,
    StringConstraints(max_length=253),
    _matching(
        "tensor-name",
        r"^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*(:[0-9]+)?$",
        "is not a tensor of a graph: write NODE or NODE:INDEX, such as final_result:0",
    ),
]

# A file below a directory that is known.
FileName = Annotated[
    str,
    StringConstraints(max_length=253),
    _matching(
        "file-name",
        r"^[^/.][^/]*(/[^/.][^/]*)*$",
        "is not a file of the model's directory: write its path from there, such as labels.txt",
    ),
]

Dimension = Annotated[int, Field(strict=True, ge=-1)]
Text = Annotated[str, StringConstraints(min_length=1, max_length=253)]
Column = Annotated[str, StringConstraints(min_length=1, max_length=128)]
Uri = Annotated[str, StringConstraints(min_length=1, max_length=1024)]
PositiveInt = Annotated[int, Field(strict=True, ge=1, le=32768)]
Flag = Annotated[bool, Field(strict=True)]


def _scalar(value: object) -> object:
    """An option's value as Flink reads it: YAML's booleans and numbers become strings."""
    match value:
        case bool():
            return "true" if value else "false"
        case int() | float():
            return str(value)
        case str():
            return value
    kind = "nothing" if value is None else f"a {'list' if isinstance(value, list) else 'mapping'}"
    raise ValueError(
        f"must be a string, a number, true or false, not {kind}: write key: value, with a blank"
        " after the colon"
    )


# CEL cannot look at such a value (nor at a map of them): rules about them are Python's alone.
# Limits of zero keep lists and mappings out all the same.
OptionValue = Annotated[
    str,
    BeforeValidator(_scalar),
    WithJsonSchema(
        {"x-kubernetes-preserve-unknown-fields": True, "maxProperties": 0, "maxItems": 0}
    ),
]
OptionKey = Annotated[str, StringConstraints(min_length=1, max_length=253)]
Options = Annotated[dict[OptionKey, OptionValue], Field(max_length=100)]


# A module of Python, as an import statement names it.
ModuleName = Annotated[
    str,
    StringConstraints(max_length=253),
    _matching(
        "module-name",
        r"^[A-Za-z_][A-Za-z0-9_]*([.][A-Za-z_][A-Za-z0-9_]*)*$",
        "is not a module of Python: write it as in an import, such as tensorflow_text",
    ),
]


def _constant(value: object) -> object:
    """A number, a boolean, a text, or lists of them, as they stand in the manifest."""
    match value:
        case list() | tuple():
            return [_constant(each) for each in value]
        case bool() | int() | float() | str():
            return value
    kind = "nothing" if value is None else "a mapping"
    raise ValueError(f"must be a number, a string, true or false, or a list of them, not {kind}")


# CEL cannot look at such a value either.
ConstantValue = Annotated[
    Any,
    BeforeValidator(_constant),
    WithJsonSchema({"x-kubernetes-preserve-unknown-fields": True, "maxProperties": 0}),
]


def _amount(value: object) -> str:
    text = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not re.match(quantities.RESOURCE_PATTERN, text):
        raise ValueError(f"{value!r} is not a quantity: write one such as 500m, 2 or 4Gi")
    return text


Amount = Annotated[
    str,
    BeforeValidator(_amount),
    WithJsonSchema(
        {
            "x-kubernetes-int-or-string": True,
            "pattern": quantities.RESOURCE_PATTERN,
            "maxLength": 32,
        }
    ),
]
