"""A GraphDef read without TensorFlow: its nodes, and what is known of the tensors between them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from google.protobuf import text_format
from google.protobuf.message import DecodeError

from modelstream.convert.protos import dtype_name, message, shape_of
from modelstream.errors import ModelFormatError, SignatureMismatchError
from modelstream.messages import suggestion
from modelstream.models.origin import Origins
from modelstream.models.statefulness import Graph
from modelstream.models.tensor_names import full, split

Shape = tuple[int | None, ...] | None

_SHAPED_PLACEHOLDERS = 24
"""Producers before this version wrote the shape [] where they meant that it is unknown."""

_DEPTH = 64

# Where the dtype of an output is, for those that are neither ``dtype`` nor ``T``.
_DTYPE_ATTRIBUTES = {
    "ArgMax": "output_type",
    "ArgMin": "output_type",
    "Cast": "DstT",
    "DecodeRaw": "out_type",
    "LookupTableFindV2": "Tout",
    "Shape": "out_type",
    "Size": "out_type",
    "StringToNumber": "out_type",
}
_DTYPES = {
    "AsString": "string",
    "Equal": "bool",
    "Greater": "bool",
    "GreaterEqual": "bool",
    "Less": "bool",
    "LessEqual": "bool",
    "LogicalAnd": "bool",
    "LogicalNot": "bool",
    "LogicalOr": "bool",
    "NotEqual": "bool",
    "Rank": "int32",
    "StringJoin": "string",
}
_INDICES = {"TopK", "TopKV2"}


class GraphNodes:
    """The nodes of a graph by name.

    Args:
        content: the GraphDef, binary or as text.
        where: the graph for messages, such as its path.

    Raises:
        ModelFormatError: it is not a GraphDef, or is corrupt.

    Attributes:
        origins: which operation makes a tensor.
        changes: which tensors need what changes a variable.
    """

    def __init__(self, content: bytes, where: str, *, text: bool = False) -> None:
        self._where = where
        graph = _parsed(content, where, text)
        self._producer = graph.versions.producer
        self._nodes = {node.name: node for node in graph.node}
        self.origins = Origins(graph)
        self.changes = Graph(graph)

    def __contains__(self, node: str) -> bool:
        return node in self._nodes

    def dtype(self, tensor: str) -> str | None:
        """The dtype of a tensor (``node:0``), as TensorFlow spells it; None if it is not stated.

        Raises:
            SignatureMismatchError: there is no such node.
        """
        name, index = split(tensor)
        node = self._node(name)
        if node.op in _DTYPES:
            return _DTYPES[node.op]
        if node.op in _INDICES and index == 1:
            return "int32"
        for attribute in (_DTYPE_ATTRIBUTES.get(node.op, "dtype"), "dtype", "T"):
            if attribute in node.attr and node.attr[attribute].HasField("type"):
                return dtype_name(node.attr[attribute].type)
        return None

    def shape(self, tensor: str, given: Mapping[str, Shape]) -> Shape:
        """The shape of a tensor as far as its node tells; None for a rank that is not known.

        Args:
            tensor: ``node:0``.
            given: shapes that win over those of the graph, by tensor.
        """
        return _Shapes(self._nodes, self._producer, given).of(tensor)

    @property
    def begins(self) -> list[str]:
        """The placeholders, in the order of the graph."""
        return [name for name, node in self._nodes.items() if node.op.startswith("Placeholder")]

    @property
    def ends(self) -> list[str]:
        """The nodes whose outputs no other node reads."""
        read = {split(name)[0] for node in self._nodes.values() for name in node.input}
        return [name for name in self._nodes if name not in read]

    def _node(self, name: str) -> Any:
        try:
            return self._nodes[name]
        except KeyError:
            raise SignatureMismatchError(
                f"the graph {self._where} has no node {name!r}{suggestion(name, self._nodes)}; "
                f"it has {len(self._nodes)} nodes, begins at {_few(self.begins)} and ends at "
                f"{_few(self.ends)}"
            ) from None


def _few(names: list[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return (", ".join(repr(name) for name in names[:5]) or "none") + more


_KERAS = (b"PK", b"\x89HDF")
"""What files of Keras begin with: .keras is a zip archive, .h5 is HDF5."""

_SAVED_MODEL = "A saved_model.pb is not a GraphDef: open its directory as a SavedModel"


def _parsed(content: bytes, where: str, text: bool) -> Any:
    graph = message("GraphDef")()
    try:
        if text:
            text_format.Parse(content.decode(), graph, allow_unknown_field=True)
        else:
            graph.ParseFromString(content)
    except (DecodeError, text_format.ParseError, UnicodeDecodeError) as error:
        if content.startswith(_KERAS):
            raise ModelFormatError(
                f"{where} is not a frozen graph: a Keras model is a KerasModel"
            ) from error
        raise ModelFormatError(
            f"{where} is not a frozen graph, or is corrupt ({error}); {len(content)} bytes: was it "
            f"copied completely? {_SAVED_MODEL}"
        ) from error
    if not graph.node or not all(node.op for node in graph.node):
        raise ModelFormatError(f"{where} holds no graph ({len(content)} bytes). {_SAVED_MODEL}")
    return graph


@dataclass(frozen=True)
class _Shapes:
    """Shapes through the few operations that classifiers and regressions end with."""

    nodes: Mapping[str, Any]
    producer: int
    given: Mapping[str, Shape]

    def of(self, tensor: str, depth: int = 0) -> Shape:
        if full(tensor) in self.given:
            return self.given[full(tensor)]
        name, index = split(tensor)
        node = self.nodes.get(name)
        if node is None or depth > _DEPTH:
            return None
        stated = node.attr["_output_shapes"].list.shape if "_output_shapes" in node.attr else ()
        if index < len(stated) and node.op != "Const":
            return self.rebatched(shape_of(stated[index]))
        rule = _RULES.get(node.op)
        if rule is None or index:
            return None
        return rule(self, node, depth + 1)

    def rebatched(self, shape: Shape) -> Shape:
        """A shape that was written down with the batch of placeholders that take another now."""
        if not shape or not any(each and each[0] is None for each in self.given.values()):
            return shape
        return (None, *shape[1:])

    def placeholder(self, node: Any, depth: int) -> Shape:
        if "shape" not in node.attr:
            return None
        shape = shape_of(node.attr["shape"].shape)
        return None if shape == () and self.producer < _SHAPED_PLACEHOLDERS else shape

    def constant(self, node: Any, depth: int) -> Shape:
        return shape_of(node.attr["value"].tensor.tensor_shape)

    def same(self, node: Any, depth: int) -> Shape:
        return self.of(node.input[0], depth)

    def product(self, node: Any, depth: int) -> Shape:
        left, right = (self.of(name, depth) for name in list(node.input)[:2])
        rows = None if left is None else left[1 if node.attr["transpose_a"].b else 0]
        columns = None if right is None else right[0 if node.attr["transpose_b"].b else 1]
        return (rows, columns)

    def broadcast(self, node: Any, depth: int) -> Shape:
        left, right = (self.of(name, depth) for name in list(node.input)[:2])
        if left is None or right is None:
            return None
        rank = max(len(left), len(right))
        sides = [(1,) * (rank - len(side)) + side for side in (left, right)]
        return tuple(
            b if a == 1 else a if b in (1, a) else a or b for a, b in zip(*sides, strict=True)
        )


_SAME = (
    "BiasAdd Cast Elu Exp Identity Log LogSoftmax Neg Relu Relu6 Selu Sigmoid Softmax Softplus "
    "Sqrt Square StopGradient Tanh"
)
_RULES: dict[str, Callable[[_Shapes, Any, int], Shape]] = {
    "Const": _Shapes.constant,
    "MatMul": _Shapes.product,
    "Placeholder": _Shapes.placeholder,
    "PlaceholderWithDefault": _Shapes.placeholder,
    **dict.fromkeys(_SAME.split(), _Shapes.same),
    **dict.fromkeys(["Add", "AddV2", "Mul", "RealDiv", "Sub"], _Shapes.broadcast),
}
