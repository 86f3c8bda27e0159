import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from modelstream_crds.__main__ import GENERATED
from modelstream_crds.crd import as_yaml, custom_resource_definition, json_schema
from modelstream_crds.structural import NotStructuralError, structural

ROOT = custom_resource_definition()["spec"]["versions"][0]["schema"]["openAPIV3Schema"]


def _fields(schema: dict[str, Any], path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in schema.get("properties", {}).items():
        yield f"{path}.{name}", field
        yield from _fields(field, f"{path}.{name}")
    for below in ("items", "additionalProperties"):
        if isinstance(schema.get(below), dict):
            yield from _fields(schema[below], f"{path}[]")


@pytest.mark.parametrize(
    "path", [pytest.param(p, id=f"{p.parent.name}/{p.name}") for p in GENERATED]
)
def test_what_is_committed_is_what_the_models_say(path) -> None:
    assert path.read_text(encoding="utf-8") == GENERATED[path](), "run `make crds`"


def test_it_is_small_enough_for_a_plain_apply() -> None:
    """kubectl keeps it as JSON in an annotation; all of those may have 256 KiB."""
    assert len(json.dumps(yaml.safe_load(as_yaml()), separators=(",", ":"))) < 100_000


def test_every_field_has_a_description() -> None:
    paths = [
        (path, field)
        for part in ("spec", "status")
        for path, field in _fields(ROOT["properties"][part], part)
    ]
    assert len(paths) > 100
    assert [path for path, field in paths if not field.get("description")] == []


def test_every_string_list_and_map_of_the_spec_is_bounded() -> None:
    bounds = {"string": "maxLength", "array": "maxItems"}
    open_ended = [
        path
        for path, field in _fields(ROOT["properties"]["spec"], "spec")
        if field.get("type") in bounds
        and "enum" not in field
        and bounds[field["type"]] not in field
    ]
    assert open_ended == []


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        pytest.param(
            {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None, "title": "X"},
            {"type": "string"},
            id="optional",
        ),
        pytest.param(
            {"const": "a", "type": "string"}, {"type": "string", "enum": ["a"]}, id="const"
        ),
        pytest.param(
            {"$ref": "#/$defs/A", "description": "mine"},
            {"type": "integer", "description": "mine"},
            id="what stands beside a reference wins",
        ),
        pytest.param(
            {"type": "object", "additionalProperties": False},
            {"type": "object"},
            id="closed objects are pruned, not closed",
        ),
        pytest.param(
            {"type": "object", "properties": {"a": {"type": "integer"}}, "default": {"a": 1}},
            {"type": "object", "properties": {"a": {"type": "integer"}}, "default": {}},
            id="an object's default is its fields' defaults",
        ),
    ],
)
def test_a_json_schema_becomes_structural(schema: Any, expected: Any) -> None:
    definitions = {"A": {"type": "integer", "description": "its own"}}
    assert structural(schema, definitions) == expected


@pytest.mark.parametrize(
    "schema",
    [
        pytest.param({"anyOf": [{"type": "string"}, {"type": "integer"}]}, id="union"),
        pytest.param({}, id="no type"),
    ],
)
def test_what_kubernetes_does_not_know_is_an_error(schema: Any) -> None:
    with pytest.raises(NotStructuralError):
        structural(schema, {}, "spec.x")


EDITORS = jsonschema.Draft7Validator(json.loads(json_schema()))
EXAMPLES = sorted(Path(__file__).parents[3].glob("examples/*/modelstream.yaml"))


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.parent.name)
def test_editors_take_an_example_by_the_schema_that_it_names(example: Path) -> None:
    first, *_ = example.read_text().splitlines()
    schema = example.parent / first.removeprefix("# yaml-language-server: $schema=")
    assert schema.resolve().read_text() == json_schema()
    assert [*EDITORS.iter_errors(yaml.safe_load(example.read_text()))] == []


@pytest.mark.parametrize(
    ("old", "new"),
    [("connector", "conector"), ("Batch", "Batsch"), ("kind: ModelStream", "kind: Modelstream")],
)
def test_editors_mark_what_the_api_server_refuses(old: str, new: str) -> None:
    (example,) = [path for path in EXAMPLES if path.parent.name == "source-languages"]
    wrong = example.read_text().replace(old, new, 1)
    assert [*EDITORS.iter_errors(yaml.safe_load(wrong))] != []
