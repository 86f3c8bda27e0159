"""saved_model.pb read without TensorFlow: tags and signatures."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from modelstream.convert.protos import dtype_name, message, shape_of
from modelstream.convert.spec import SPLITS, Layout, TensorSpec
from modelstream.errors import ModelFormatError, SignatureMismatchError, TagsNotFoundError
from modelstream.messages import listed
from modelstream.models.directory import model_file
from modelstream.models.origin import Origins
from modelstream.models.ragged_inputs import RAGGED, RaggedInput, RaggedInputs, ragged_spec, stated
from modelstream.models.signature import Signature
from modelstream.models.statefulness import PYTHON, Graph

Ragged = Mapping[str, Sequence[str]]
"""Ragged input → the plain inputs that it is made of: flat values, then row splits."""

_INTERNAL = {"__saved_model_init_op", "__saved_model_train_op"}


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
        TagsNotFoundError: no meta graph has them; says which tags exist.
    """
    wanted = set(tags)
    for candidate in saved_model.meta_graphs:
        if set(candidate.meta_info_def.tags) == wanted:
            return candidate
    existing = " or ".join(_tag_text(each.meta_info_def.tags) for each in saved_model.meta_graphs)
    raise TagsNotFoundError(
        f"the model {where} has no meta graph with the tags {_tag_text(wanted)}; it has {existing}"
    )


def signatures(meta: Any, ragged: Ragged = MappingProxyType({})) -> dict[str, Signature]:
    """The signatures of a meta graph, by name; TensorFlow's internal ones are left out.

    Args:
        meta: the meta graph.
        ragged: ragged input → the plain inputs that it is made of, where the model does not tell.

    Raises:
        SignatureMismatchError: no signature has the inputs that ``ragged`` names.
    """
    graph, found, origins = Graph(meta.graph_def), RaggedInputs(meta), Origins(meta.graph_def)
    definitions = {
        name: definition
        for name, definition in sorted(meta.signature_def.items())
        if name not in _INTERNAL
    }
    _check_stated(ragged, definitions)
    read = [tensor for each in definitions.values() for tensor in _tensors(each.outputs.values())]
    return {
        name: _signature(
            name,
            definition,
            _put_together(definition.inputs, ragged, found),
            lambda tensors: graph.changes_what_is_read(tensors, read),
            graph,
            origins,
        )
        for name, definition in definitions.items()
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
        each = (info.name, sparse.values_tensor_name, sparse.indices_tensor_name)
        yield from filter(None, each)
        yield from _tensors(info.composite_tensor.components)


def _tag_text(tags: Iterable[str]) -> str:
    return "{" + ", ".join(sorted(tags)) + "}"


def _signature(
    name: str,
    definition: Any,
    ragged: Sequence[RaggedInput],
    is_stateful: Callable[[Iterable[str]], bool],
    graph: Graph,
    origins: Origins,
) -> Signature:
    """A signature, with the ragged inputs in place of the pieces that they are exported in."""
    pieces = {piece for each in ragged for piece in each.parts}
    plain = {key: spec for key, spec in _specs(definition.inputs).items() if key not in pieces}
    whole = {each.spec.name: each for each in ragged}
    specs = plain | {key: each.spec for key, each in whole.items()}
    return Signature(
        name,
        definition.method_name,
        dict(sorted(specs.items())),
        _specs(definition.outputs),
        is_stateful(_tensors(definition.outputs.values())),
        {key: each.parts for key, each in whole.items()} | _components(definition.inputs),
        frozenset(
            key for key, info in definition.outputs.items() if origins.is_probability(info.name)
        ),
        graph.needs(_tensors(definition.outputs.values()), PYTHON) or "",
    )


def _components(infos: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
    """What the v2 loader calls the pieces of a ragged input of a TF1 export."""
    return {
        name: tuple(
            f"{name}_component_{number}"
            for number, _ in enumerate(info.composite_tensor.components)
        )
        for name, info in infos.items()
        if info.HasField("composite_tensor")
    }


def _put_together(
    infos: Mapping[str, Any], ragged: Ragged, found: RaggedInputs
) -> list[RaggedInput]:
    given = [
        stated(parts, name, infos) for name, parts in ragged.items() if infos.keys() >= set(parts)
    ]
    taken = {part for each in given for part in each.parts}
    told = [each for each in found.of(infos) if taken.isdisjoint(each.parts)]
    return [*given, *told]


def _check_stated(ragged: Ragged, definitions: Mapping[str, Any]) -> None:
    for name, parts in ragged.items():
        if problem := _stated_wrongly(name, parts, definitions):
            made = f"is made of {listed(parts)}"
            raise SignatureMismatchError(f"ragged says that the input {name!r} {made}{problem}")
    for definition in definitions.values():
        _check_taken_once(ragged, definition.inputs)


def _check_taken_once(ragged: Ragged, inputs: Mapping[str, Any]) -> None:
    owners: dict[str, str] = {}
    for name, parts in ragged.items():
        for part in parts if inputs.keys() >= set(parts) else ():
            if part in owners:
                raise SignatureMismatchError(
                    f"ragged names the input {part!r} twice, for {owners[part]!r} and for "
                    f"{name!r}: it is a part of one ragged input only"
                )
            owners[part] = name


def _stated_wrongly(name: str, parts: Sequence[str], definitions: Mapping[str, Any]) -> str | None:
    if len(parts) < 2:
        return ": it takes the input with the flat values, then those with row splits"
    fitting = [each.inputs for each in definitions.values() if each.inputs.keys() >= set(parts)]
    if not fitting:
        has = "; ".join(f"{key} has {listed(each.inputs)}" for key, each in definitions.items())
        return f", which no signature takes: {has or 'there is none'}"
    found = (_wrong_pieces(name, parts, inputs) for inputs in fitting)
    return next((problem for problem in found if problem), None)


def _wrong_pieces(name: str, parts: Sequence[str], inputs: Mapping[str, Any]) -> str | None:
    if name in inputs.keys() - set(parts):
        return ", but the model has one of that name already: choose another"
    flat, *splits = (_spec(part, inputs[part]) for part in parts)
    if flat.rank == 0:
        return f", but {flat.name!r} is a single {flat.dtype}: flat values are one behind another"
    for each in splits:
        if each.dtype not in SPLITS:
            return f", but {each.name!r} is {each.dtype}, and row splits are {' or '.join(SPLITS)}"
        if each.rank not in (None, 1):
            return f", but {each.name!r} is {each}, and row splits have one dimension"
    return None


def _specs(infos: Mapping[str, Any]) -> dict[str, TensorSpec]:
    return {name: _spec(name, info) for name, info in sorted(infos.items())}


def _spec(name: str, info: Any) -> TensorSpec:
    if info.HasField("composite_tensor"):
        return _composite_spec(name, info)
    layout = Layout.SPARSE if info.HasField("coo_sparse") else Layout.DENSE
    return TensorSpec(dtype_name(info.dtype), shape_of(info.tensor_shape), name, layout)


def _composite_spec(name: str, info: Any) -> TensorSpec:
    type_spec = info.composite_tensor.type_spec
    if type_spec.type_spec_class == RAGGED:
        return ragged_spec(name, type_spec)
    values = list(type_spec.type_state.tuple_value.values)
    dtypes = [each.tensor_dtype_value for each in values if each.tensor_dtype_value]
    shapes = [each.tensor_shape_value for each in values if each.HasField("tensor_shape_value")]
    dtype = dtypes[0] if dtypes else info.dtype
    return TensorSpec(
        dtype_name(dtype), shape_of(shapes[0]) if shapes else None, name, Layout.SPARSE
    )
