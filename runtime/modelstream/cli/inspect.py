"""``modelstream inspect``: what a model takes and gives."""

import argparse
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelstream.cli.exits import Exit
from modelstream.cli.models import all_tags, at_hand
from modelstream.cli.progress import size
from modelstream.cli.table import aligned
from modelstream.convert import sql_type
from modelstream.errors import ModelStreamError
from modelstream.fetch import tree_of
from modelstream.fetch.digest import Tree
from modelstream.models import GraphDefModel, Layout, SavedModel, Signature, TensorSpec
from modelstream.models.directory import version_of
from modelstream.models.formats import file_model, model_as_file
from modelstream.models.graph_nodes import GraphNodes
from modelstream.models.metagraph import read

_MOST = 10
_ARRAY = re.compile(r"ARRAY<(\w+)>")
_HEADER = ("SIGNATURE", "METHOD", "", "TENSOR", "DTYPE", "SHAPE", "SQL TYPE")


@dataclass(frozen=True)
class Inspected:
    """A model as it is shown.

    Attributes:
        path: the directory or the file.
        title: the format, and what is special about this one.
        facts: about the format, for JSON.
        signatures: by name; none for a graph, which has none.
        notes: lines below the table.
    """

    path: Path
    title: str
    facts: Mapping[str, object]
    signatures: Mapping[str, Signature] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def command(arguments: argparse.Namespace) -> Exit:
    """Print the signatures as a table, or as JSON."""
    path = at_hand(arguments.model)
    tree = tree_of(path)
    found = _inspected(path, arguments)
    show = _as_json if arguments.json else _as_table
    print(show(found, tree))
    return Exit.DONE


def _inspected(path: Path, arguments: argparse.Namespace) -> Inspected:
    tags = all_tags(arguments.tags)
    model = file_model(path, tags=tags, version=arguments.version, imports=arguments.imports)
    if model is None:
        return _graph(model_as_file(path) or path)
    if isinstance(model, SavedModel):
        return _saved_model(model, path)
    return Inspected(model.path, model.format, {"format": model.format}, model.signatures)


def _saved_model(model: SavedModel, path: Path) -> Inspected:
    graphs = _all_tags(model.path)
    tags = ", ".join(model.tags) or "none"
    return Inspected(
        model.path,
        f"{model.format}{_version(model, path)}, tags {tags}",
        {
            "format": model.format,
            "version": model.version,
            "tags": list(model.tags),
            "metaGraphs": [list(each) for each in graphs],
        },
        model.signatures,
        tuple(f"also with --tags {','.join(each)}" for each in graphs if each != model.tags),
    )


def _graph(file: Path) -> Inspected:
    """A graph has no signatures: show where it begins and ends, of which they are made."""
    nodes = GraphNodes(file.read_bytes(), str(file), text=file.suffix == ".pbtxt")
    ends = {
        name: {each: _tensor_of(nodes, each) for each in found[:_MOST]}
        for name, found in (("begins", nodes.begins), ("ends", nodes.ends))
    }
    notes = ["A graph does not say what it takes and gives: the manifest does, in signatures."]
    for name, tensors in ends.items():
        notes += [f"It {name} at:", *(f"  {each}  {spec}" for each, spec in tensors.items())]
    facts = {
        name: {each: str(spec) for each, spec in tensors.items()} for name, tensors in ends.items()
    }
    form = GraphDefModel.format
    return Inspected(file, form, {"format": form, **facts}, notes=tuple(notes))


def _tensor_of(nodes: GraphNodes, node: str) -> TensorSpec:
    return TensorSpec(nodes.dtype(node) or "?", nodes.shape(node, {}), node)


def _as_table(found: Inspected, tree: Tree) -> str:
    rows = [row for signature in found.signatures.values() for row in _rows(signature)]
    nothing = [] if found.notes else ["It has no signature."]
    lines = [
        f"{found.path}  {found.title}",
        f"{tree.digest}  {tree.files} files, {size(tree.bytes)}",
        "",
        *([aligned(_HEADER, rows)] if rows else nothing),
        *_warnings(found.signatures),
        *found.notes,
    ]
    return "\n".join(lines)


def _warnings(signatures: Mapping[str, Signature]) -> Iterator[str]:
    for name, signature in signatures.items():
        if signature.stateful:
            yield f"{name} changes variables: each worker has its own, which no checkpoint holds"
        if signature.python:
            yield f"{name} cannot run: it calls a Python function at {signature.python}"


def _as_json(found: Inspected, tree: Tree) -> str:
    return json.dumps(
        {
            "path": str(found.path),
            **found.facts,
            "digest": tree.digest,
            "files": tree.files,
            "bytes": tree.bytes,
            "signatures": {
                name: {
                    "method": signature.method_name,
                    "stateful": signature.stateful,
                    "inputs": _tensors(signature.inputs),
                    "outputs": _tensors(signature.outputs),
                }
                for name, signature in found.signatures.items()
            },
        },
        indent=2,
    )


def _rows(signature: Signature) -> Iterator[tuple[str, ...]]:
    first = (signature.name, _method(signature))
    for direction, specs, sql in (
        ("in", signature.inputs, _taken),
        ("out", signature.outputs, _sql),
    ):
        for name, spec in specs.items():
            yield (*first, direction, name, spec.dtype, _shape(spec), sql(spec))
            first, direction = ("", ""), ""


def _tensors(specs: Mapping[str, TensorSpec]) -> dict[str, dict[str, object]]:
    return {
        name: {
            "dtype": spec.dtype,
            "shape": None if spec.shape is None else list(spec.shape),
            "layout": spec.layout.value,
            **_ragged(spec),
            "sqlType": _sql(spec),
        }
        for name, spec in specs.items()
    }


def _version(model: SavedModel, path: Path) -> str:
    if model.version is None or model.path == path.absolute():
        return ""
    numbers = (version_of(entry.name) for entry in path.iterdir())
    there = sorted(number for number in numbers if number is not None)
    return f", version {model.version} of {', '.join(map(str, there))}"


def _all_tags(directory: Path) -> list[tuple[str, ...]]:
    graphs = read(directory).meta_graphs
    return [tuple(sorted(graph.meta_info_def.tags)) for graph in graphs]


def _method(signature: Signature) -> str:
    return signature.method_name.removeprefix("tensorflow/serving/")


def _shape(spec: TensorSpec) -> str:
    shape = str(spec).partition(spec.dtype)[2]
    match spec.layout:
        case Layout.DENSE:
            return shape
        case Layout.RAGGED:
            return f"{shape} ragged rank {spec.ragged_rank}"
        case layout:
            return f"{shape} {layout}"


def _ragged(spec: TensorSpec) -> dict[str, object]:
    if spec.layout is not Layout.RAGGED:
        return {}
    return {"raggedRank": spec.ragged_rank, "rowSplits": spec.splits}


def _sql(spec: TensorSpec) -> str:
    """The column type of one record, or why it has no type."""
    try:
        return sql_type(spec)
    except ModelStreamError:
        return "-"


def _taken(spec: TensorSpec) -> str:
    """What columns feed it: where a record has one number, the number by itself too."""
    found = _sql(spec)
    one = _ARRAY.fullmatch(found) if spec.shape is not None and spec.shape[1:] == (1,) else None
    return f"{one[1]} or {found}" if one else found
