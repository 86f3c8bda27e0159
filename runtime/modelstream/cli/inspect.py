"""``modelstream inspect``: what a model takes and gives."""

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from modelstream.cli.exits import Exit
from modelstream.cli.models import at_hand
from modelstream.cli.table import aligned
from modelstream.convert import sql_type
from modelstream.errors import ModelStreamError
from modelstream.fetch import tree_of
from modelstream.model import SavedModel, Signature, TensorSpec
from modelstream.model.metagraph import read
from modelstream.progress import size

_HEADER = ("SIGNATURE", "METHOD", "", "TENSOR", "DTYPE", "SHAPE", "SQL TYPE")


def command(arguments: argparse.Namespace) -> Exit:
    """Print the signatures as a table, or as JSON."""
    path = at_hand(arguments.model)
    tags = tuple(arguments.tags.split(",")) if arguments.tags else ("serve",)
    model = SavedModel(path, tags=tags, version=arguments.version)
    show = _as_json if arguments.json else _as_table
    print(show(model, path))
    return Exit.DONE


def _as_table(model: SavedModel, path: Path) -> str:
    tree = tree_of(model.path)
    rows = [row for signature in model.signatures.values() for row in _rows(signature)]
    lines = [
        f"{model.path}  SavedModel{_version(model, path)}, tags {', '.join(model.tags) or 'none'}",
        f"{tree.digest}  {tree.files} files, {size(tree.bytes)}",
        "",
        aligned(_HEADER, rows) if rows else "It has no signature.",
    ]
    others = [tags for tags in _all_tags(model.path) if tags != model.tags]
    lines += [f"also with --tags {','.join(tags)}" for tags in others]
    return "\n".join(lines)


def _rows(signature: Signature) -> Iterator[tuple[str, ...]]:
    first = (signature.name, _method(signature))
    for direction, specs in (("in", signature.inputs), ("out", signature.outputs)):
        for name, spec in specs.items():
            yield (*first, direction, name, spec.dtype, _shape(spec), _sql(spec))
            first, direction = ("", ""), ""


def _as_json(model: SavedModel, path: Path) -> str:
    tree = tree_of(path)
    return json.dumps(
        {
            "path": str(model.path),
            "version": model.version,
            "tags": list(model.tags),
            "digest": tree.digest,
            "files": tree.files,
            "bytes": tree.bytes,
            "metaGraphs": [list(tags) for tags in _all_tags(model.path)],
            "signatures": {
                name: {
                    "method": signature.method_name,
                    "inputs": _tensors(signature.inputs),
                    "outputs": _tensors(signature.outputs),
                }
                for name, signature in model.signatures.items()
            },
        },
        indent=2,
    )


def _tensors(specs: Mapping[str, TensorSpec]) -> dict[str, dict[str, object]]:
    return {
        name: {
            "dtype": spec.dtype,
            "shape": None if spec.shape is None else list(spec.shape),
            "layout": spec.layout.value,
            "sqlType": _sql(spec),
        }
        for name, spec in specs.items()
    }


def _version(model: SavedModel, path: Path) -> str:
    if model.version is None or model.path == path.absolute():
        return ""
    there = sorted(int(entry.name) for entry in path.iterdir() if entry.name.isdigit())
    return f", version {model.version} of {', '.join(map(str, there))}"


def _all_tags(directory: Path) -> list[tuple[str, ...]]:
    graphs = read(directory).meta_graphs
    return [tuple(sorted(graph.meta_info_def.tags)) for graph in graphs]


def _method(signature: Signature) -> str:
    return signature.method_name.removeprefix("tensorflow/serving/")


def _shape(spec: TensorSpec) -> str:
    return str(spec).partition(spec.dtype)[2]


def _sql(spec: TensorSpec) -> str:
    """The column type of one record, or why there is none."""
    try:
        return sql_type(spec)
    except ModelStreamError:
        return "-"
