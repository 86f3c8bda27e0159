"""Ragged inputs of TF2 exports, which their signatures show in pieces only.

TF1's exporter writes a ragged input as what it is (``composite_tensor``). That of TF2 writes its
flat values and row splits as plain tensors ``x``, ``x_1``, … of which nothing tells that they
belong together; but the function behind the signature does. Where the exporter kept its traced
signature, that has the type of each argument. Where it did not (a function that is not an attribute
of the exported object), the pieces bear the name of one argument, and operations take the row
splits as row splits. That they are somehow ragged is not enough: lengths, row ids and limits are as
well, and a plain input that is taken for row splits is fed with wrong numbers, silently.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from modelstream.convert.protos import dtype_name, shape_of
from modelstream.convert.spec import SPLITS, Layout, TensorSpec
from modelstream.models.tensor_names import split

RAGGED = 3
"""RAGGED_TENSOR_SPEC in TensorFlow's enum TypeSpecClass."""

_CALLS = ("PartitionedCall", "StatefulPartitionedCall")

_NESTED_SPLITS = {
    "RaggedGather": slice(-2),
    "RaggedTensorToSparse": slice(-1),
    "RaggedTensorToVariant": slice(-1),
}
"""Operation → which of its inputs are row splits: all but the last ones."""

_TO_SEGMENT_IDS = "RaggedSplitsToSegmentIds"
"""The scope of tf.ragged.row_splits_to_segment_ids, which reductions call."""


@dataclass(frozen=True)
class RaggedInput:
    """A ragged input put together again.

    Attributes:
        spec: named as its flat values.
        parts: the names of its flat values, then of its row splits, the outermost first.
    """

    spec: TensorSpec
    parts: tuple[str, ...]


def ragged_spec(name: str, type_spec: Any) -> TensorSpec:
    """A RaggedTensorSpec keeps (shape, dtype, ragged rank, row splits dtype) in its type state."""
    shape, dtype, rank, splits, *_ = type_spec.type_state.tuple_value.values
    return TensorSpec(
        dtype_name(dtype.tensor_dtype_value),
        shape_of(shape.tensor_shape_value),
        name,
        Layout.RAGGED,
        rank.int64_value,
        dtype_name(splits.tensor_dtype_value),
    )


class RaggedInputs:
    """Finds the ragged inputs of a meta graph's signatures."""

    def __init__(self, meta: Any) -> None:
        self._calls = [node for node in meta.graph_def.node if node.op in _CALLS]
        self._functions = {each.signature.name: each for each in meta.graph_def.library.function}
        self._traced = meta.object_graph_def.concrete_functions

    def of(self, inputs: Mapping[str, Any]) -> list[RaggedInput]:
        """Those of one signature.

        Args:
            inputs: name → TensorInfo.
        """
        tensors = {split(info.name)[0]: name for name, info in inputs.items()}
        if len(tensors) < 2:
            return []
        function, names = self._behind(tensors)
        if function is None:
            return []
        if function.signature.name in self._traced:
            return _told(self._traced[function.signature.name], names, inputs)
        return list(self._guessed(function, names, inputs))

    def _behind(self, tensors: Mapping[str, str]) -> tuple[Any, list[str]]:
        """The function that was exported, and the signature's inputs in the order it takes them."""
        wrapper, names = self._called(self._calls, tensors)
        if wrapper is None:
            return None, []
        arguments = _arguments(wrapper, names)
        return self._called(wrapper.node_def, arguments)

    def _called(self, nodes: Sequence[Any], given: Mapping[str, str]) -> tuple[Any, list[str]]:
        """The function that is called with these tensors, and their names in its order."""
        for node in nodes:
            names = [given.get(split(each)[0], "") for each in node.input]
            if node.op in _CALLS and any(names):
                return self._functions.get(node.attr["f"].func.name), names
        return None, []

    def _guessed(
        self, function: Any, names: Sequence[str], inputs: Mapping[str, Any]
    ) -> Iterator[RaggedInput]:
        titles = {each.key: each.value.attr for each in function.arg_attr}
        arguments = list(zip(function.signature.input_arg, names, strict=False))
        numbered = [
            (titles[at]["_user_specified_name"].s if at in titles else b"", argument.name, name)
            for at, (argument, name) in enumerate(arguments)
            if name in inputs
        ]
        for title, group in groupby(numbered, key=lambda each: each[0]):
            pieces = [(argument, name) for _, argument, name in group]
            if title:
                yield from self._grouped(function, pieces, inputs)

    def _grouped(
        self, function: Any, pieces: list[tuple[str, str]], inputs: Mapping[str, Any]
    ) -> list[RaggedInput]:
        """The ragged tensors among the pieces of one argument; none where one piece is unclear."""
        groups: list[list[str]] = []
        for argument, name in pieces:
            if not _may_be_splits(inputs[name]):
                groups.append([name])
                continue
            are_splits = self._are_row_splits(function, argument)
            if are_splits == (not groups):
                return []  # splits of nothing, or integers that are splits or the next values
            if are_splits:
                groups[-1].append(name)
            else:
                groups.append([name])
        return [
            _assembled(each, inputs)
            for each in groups
            if len(each) > 1 and shape_of(inputs[each[0]].tensor_shape) != ()
        ]

    def _are_row_splits(self, function: Any, argument: str) -> bool:
        """Whether some operation takes an argument for row splits."""
        for node in function.node_def:
            if argument not in node.input:
                continue
            if argument in _row_splits(node):
                return True
            inner = self._functions.get(node.attr["f"].func.name) if node.op in _CALLS else None
            if inner is not None:
                given = [each if each == argument else "" for each in node.input]
                if any(self._are_row_splits(inner, each) for each in _arguments(inner, given)):
                    return True
        return False


def _row_splits(node: Any) -> list[str]:
    """The inputs of an operation that it takes for row splits."""
    given = [each for each in node.input if not each.startswith("^")]
    if _TO_SEGMENT_IDS in (scope.rstrip("_0123456789") for scope in node.name.split("/")):
        return given
    if node.op == "RaggedTensorToTensor":
        kinds = node.attr["row_partition_types"].list.s
        partitions = given[len(given) - len(kinds) :]
        return [each for each, kind in zip(partitions, kinds, strict=True) if kind == b"ROW_SPLITS"]
    return given[_NESTED_SPLITS[node.op]] if node.op in _NESTED_SPLITS else []


def stated(parts: Sequence[str], name: str, inputs: Mapping[str, Any]) -> RaggedInput:
    """A ragged input whose parts the user names."""
    whole = _assembled(parts, inputs)
    return replace(whole, spec=replace(whole.spec, name=name))


def _arguments(function: Any, names: Sequence[str]) -> dict[str, str]:
    """Argument → name, of those that have one."""
    arguments = zip(function.signature.input_arg, names, strict=False)
    return {argument.name: name for argument, name in arguments if name}


def _told(traced: Any, names: Sequence[str], inputs: Mapping[str, Any]) -> list[RaggedInput]:
    leaves = list(_leaves(traced.canonicalized_input_signature))
    if sum(count for count, _ in leaves) != sum(map(bool, names)):
        return []
    found, at = [], 0
    for count, type_spec in leaves:
        parts = tuple(names[at : at + count])
        at += count
        if type_spec is not None and type_spec.type_spec_class == RAGGED and count > 1:
            found.append(RaggedInput(ragged_spec(parts[0], type_spec), parts))
    return found if all(_has_dtypes(each, inputs) for each in found) else []


def _has_dtypes(found: RaggedInput, inputs: Mapping[str, Any]) -> bool:
    """Whether the pieces are of the dtypes that the trace says: else they are in another order."""
    wanted = (found.spec.dtype, *[found.spec.splits] * found.spec.ragged_rank)
    return wanted == tuple(dtype_name(inputs[each].dtype) for each in found.parts)


def _leaves(value: Any) -> Iterator[tuple[int, Any]]:
    """Each argument: of how many tensors it is made, and its type where that is not one tensor."""
    match value.WhichOneof("kind"):
        case "tuple_value" | "list_value" as kind:
            for each in getattr(value, kind).values:
                yield from _leaves(each)
        case "dict_value":
            for _, each in sorted(value.dict_value.fields.items()):
                yield from _leaves(each)
        case "named_tuple_value":
            for pair in value.named_tuple_value.values:
                yield from _leaves(pair.value)
        case "tensor_spec_value" | "bounded_tensor_spec_value":
            yield 1, None
        case "type_spec_value":
            yield _components(value.type_spec_value), value.type_spec_value


def _components(type_spec: Any) -> int:
    """Of how many tensors it is made; exporters before TensorFlow 2.8 do not say it."""
    if type_spec.num_flat_components:
        return int(type_spec.num_flat_components)
    values = type_spec.type_state.tuple_value.values
    return 1 + values[2].int64_value if type_spec.type_spec_class == RAGGED else 3


def _may_be_splits(info: Any) -> bool:
    return dtype_name(info.dtype) in SPLITS and shape_of(info.tensor_shape) == (None,)


def _assembled(parts: Sequence[str], inputs: Mapping[str, Any]) -> RaggedInput:
    flat, *splits = parts
    rank = len(splits)
    elements = shape_of(inputs[flat].tensor_shape)
    shape = None if elements is None else (*(None,) * (1 + rank), *elements[1:])
    dtype, splits_dtype = (dtype_name(inputs[each].dtype) for each in (flat, splits[0]))
    spec = TensorSpec(dtype, shape, flat, Layout.RAGGED, rank, splits_dtype)
    return RaggedInput(spec, tuple(parts))
