"""saved_model.pb read without TensorFlow: tags and signatures."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from modelstream.convert.protos import dtype_name, message, shape_of
from modelstream.convert.spec import Layout, TensorSpec
from modelstream.errors import ModelFormatError, TagsNotFoundError
from modelstream.model.directory import model_file
from modelstream.model.signature import Signature
from modelstream.model.statefulness import Graph

_INTERNAL = {"__saved_model_init_op", "__saved_model_train_op"}
_RAGGED = 3


def read(directory: Path) -> Any:
    """The SavedModel message of a directory.

    Raises:
        ModelFormatError: the file is corrupt or holds no meta graph.
    """
    path = model_file(directory)
    if path is None:
        raise ModelFormatError(f"{directory} holds no saved_model.pb")
    try:
        saved_model = _parse(path)
    except (DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        raise ModelFormatError(
            f"{path} is corrupt ({error}); {path.stat().st_size} bytes: was it copied completely?"
        ) from error
    if not saved_model.meta_graphs:
        raise ModelFormatError(
            f"{path} holds no meta graph ({path.stat().st_size} bytes): was it copied completely?"
        )
    return saved_model


def meta_graph(saved_model: Any, tags: Iterable[str], where: Path) -> Any:
    """The meta graph with exactly these tags.

    Raises:
        TagsNotFoundError: there is none; says which tags exist.
    """
    wanted = set(tags)
    for candidate in saved_model.meta_graphs:
        if set(candidate.meta_info_def.tags) == wanted:
            return candidate
    existing = " or ".join(_tag_text(each.meta_info_def.tags) for each in saved_model.meta_graphs)
    raise TagsNotFoundError(
        f"the model {where} has no meta graph with the tags {_tag_text(wanted)}; it has {existing}"
    )


def signatures(meta: Any) -> dict[str, Signature]:
    """The signatures of a meta graph, by name; TensorFlow's internal ones are left out."""
    graph = Graph(meta.graph_def)
    return {
        name: Signature(
            name,
            definition.method_name,
            _specs(definition.inputs),
            _specs(definition.outputs),
            graph.changes_variables(_tensors(definition.outputs.values())),
        )
        for name, definition in sorted(meta.signature_def.items())
        if name not in _INTERNAL
    }


def _parse(path: Path) -> Any:
    saved_model = message("SavedModel")()
    if path.suffix == ".pb":
        saved_model.ParseFromString(path.read_bytes())
        return saved_model
    return text_format.Parse(path.read_text(), saved_model, allow_unknown_field=True)


def _tensors(infos: Iterable[Any]) -> Iterator[str]:
    """The tensors of the graph that outputs are made of."""
    for info in infos:
        sparse = info.coo_sparse
        yield from (info.name, sparse.values_tensor_name, sparse.indices_tensor_name)
        yield from _tensors(info.composite_tensor.components)


def _tag_text(tags: Iterable[str]) -> str:
    return "{" + ", ".join(sorted(tags)) + "}"


def _specs(infos: Mapping[str, Any]) -> dict[str, TensorSpec]:
    return {name: _spec(name, info) for name, info in sorted(infos.items())}


def _spec(name: str, info: Any) -> TensorSpec:
    if info.HasField("composite_tensor"):
        return _composite_spec(name, info)
    layout = Layout.SPARSE if info.HasField("coo_sparse") else Layout.DENSE
    return TensorSpec(dtype_name(info.dtype), shape_of(info.tensor_shape), name, layout)


def _composite_spec(name: str, info: Any) -> TensorSpec:
    """A RaggedTensorSpec keeps (shape, dtype, ragged rank, row splits dtype) in its type state."""
    type_spec = info.composite_tensor.type_spec
    values = list(type_spec.type_state.tuple_value.values)
    layout = Layout.RAGGED if type_spec.type_spec_class == _RAGGED else Layout.SPARSE
    dtypes = [each.tensor_dtype_value for each in values if each.tensor_dtype_value]
    shapes = [each.tensor_shape_value for each in values if each.HasField("tensor_shape_value")]
    dtype = dtypes[0] if dtypes else info.dtype
    return TensorSpec(dtype_name(dtype), shape_of(shapes[0]) if shapes else None, name, layout)
