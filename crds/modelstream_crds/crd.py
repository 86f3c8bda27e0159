"""The CustomResourceDefinition, made of the pydantic models."""

import json
from typing import Any

import yaml
from pydantic import BaseModel

from modelstream_crds import names
from modelstream_crds.rules import add_to_schema
from modelstream_crds.structural import Schema, structural
from modelstream_crds.v1alpha1 import ModelStream, ModelStreamSpec, ModelStreamStatus

_READY = '.status.conditions[?(@.type=="Ready")]'

HEADER = (
    "# Generated from crds/modelstream_crds by `make crds`: change the models, not this file.\n"
)


def custom_resource_definition() -> dict[str, Any]:
    """The whole CustomResourceDefinition, ready for `kubectl apply`."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": names.CRD_NAME},
        "spec": {
            "group": names.GROUP,
            "names": {
                "kind": names.KIND,
                "listKind": names.LIST_KIND,
                "plural": names.PLURAL,
                "singular": names.SINGULAR,
                "shortNames": list(names.SHORT_NAMES),
                "categories": list(names.CATEGORIES),
            },
            "scope": "Namespaced",
            "versions": [_version()],
        },
    }


def as_yaml() -> str:
    """The CustomResourceDefinition as the file that is committed."""
    text = yaml.dump(
        custom_resource_definition(),
        Dumper=_Dumper,
        sort_keys=False,
        width=100,
        allow_unicode=True,
    )
    return HEADER + text


class _Dumper(yaml.SafeDumper):
    """Writes what is used twice twice: Kubernetes reads anchors, people do not."""

    def ignore_aliases(self, data: Any) -> bool:
        """No anchors."""
        return True


def json_schema() -> str:
    """What editors check and complete a manifest by, as JSON."""
    root = _root_schema()
    del root["properties"]["status"]
    root["required"] = ["apiVersion", "kind", "metadata", "spec"]
    root["properties"]["apiVersion"]["enum"] = [names.API_VERSION]
    root["properties"]["kind"]["enum"] = [names.KIND]
    schema = {"$schema": "https://json-schema.org/draft-07/schema#", "title": names.KIND, **root}
    return json.dumps(_closed(schema, within=False), indent=1, ensure_ascii=False) + "\n"


def _closed(schema: Any, *, within: bool = True) -> Any:
    """Without what only an API server knows, and with unknown fields refused as there."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    found = {
        key: {name: _closed(field) for name, field in value.items()}
        if key == "properties"
        else _closed(value)
        for key, value in schema.items()
        if not key.startswith("x-kubernetes-")
    }
    kept = schema.get("x-kubernetes-preserve-unknown-fields")
    if schema.get("x-kubernetes-int-or-string"):
        found.pop("type", None)
        found["type"] = ["integer", "string"]
    if within and "properties" in found and "additionalProperties" not in found and not kept:
        found["additionalProperties"] = False
    return found


def _version() -> dict[str, Any]:
    return {
        "name": names.VERSION,
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": _root_schema()},
        "subresources": {
            "status": {},
            "scale": {
                "specReplicasPath": ".spec.flink.taskManager.replicas",
                "statusReplicasPath": ".status.taskManager.replicas",
                "labelSelectorPath": ".status.taskManager.selector",
            },
        },
        "additionalPrinterColumns": _printer_columns(),
    }


def _root_schema() -> Schema:
    root: Schema = {
        "type": "object",
        "description": ModelStream.__doc__,
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": f"Always {names.API_VERSION}."},
            "kind": {"type": "string", "description": f"Always {names.KIND}."},
            "metadata": {
                "type": "object",
                "properties": {"name": {"type": "string"}},
            },
            "spec": _schema_of(ModelStreamSpec),
            "status": _schema_of(ModelStreamStatus),
        },
    }
    for rule in ModelStream.rules:
        add_to_schema(root, rule)
    return root


def _schema_of(part: type[BaseModel]) -> Schema:
    schema = part.model_json_schema(by_alias=True, mode="validation")
    return structural(schema, schema.get("$defs", {}), part.__name__)


def _printer_columns() -> list[dict[str, Any]]:
    def column(name: str, path: str, kind: str = "string", priority: int = 0) -> dict[str, Any]:
        wide = {"priority": priority} if priority else {}
        return {"name": name, "type": kind, "jsonPath": path, **wide}

    return [
        column("Ready", f"{_READY}.status"),
        column("Phase", ".status.phase"),
        column("Model", ".spec.models[*].name"),
        column("GPUs", ".spec.gpu.count", "integer"),
        column("TMs", ".status.taskManager.readyReplicas", "integer"),
        column("Age", ".metadata.creationTimestamp", "date"),
        column("Reason", f"{_READY}.reason", priority=1),
        column("Message", f"{_READY}.message", priority=1),
    ]
