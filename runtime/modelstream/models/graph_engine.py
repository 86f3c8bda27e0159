"""A GraphDef in a session."""

from collections.abc import Iterator, Mapping
from typing import Any

import tensorflow as tf
from google.protobuf import text_format

from modelstream.convert.spec import TensorSpec
from modelstream.errors import SignatureMismatchError
from modelstream.models.graph_signature import GraphSignature, GraphTensor, as_tensor
from modelstream.models.options import TensorFlowOptions
from modelstream.models.session_engine import Feeds, SessionEngine, Symbols
from modelstream.models.signature import Signature
from modelstream.models.tensor_names import full, split

Functions = Mapping[str, tuple[GraphSignature, Signature]]
"""What was given for each signature, and what it is with what the graph tells."""


def graph_engine(
    content: bytes, text: bool, prefix: str, functions: Functions, options: TensorFlowOptions
) -> SessionEngine:
    """Import a graph into a session of its own.

    Raises:
        SignatureMismatchError: a dtype or shape that was given is not that of the graph.
    """
    graph_def = _parsed(content, text)
    for given, _ in functions.values():
        _reshape(graph_def, given)

    def fill(session: Any) -> dict[str, tuple[Feeds, Symbols]]:
        tf.import_graph_def(graph_def, name=prefix)
        scope = f"{prefix}/" if prefix else ""
        return {
            name: (
                {
                    each: (symbol,)
                    for each, symbol in _symbols(
                        session.graph, scope, given.inputs, signature.inputs
                    )
                },
                dict(_symbols(session.graph, scope, given.outputs, signature.outputs)),
            )
            for name, (given, signature) in functions.items()
        }

    return SessionEngine(fill, options)


def _parsed(content: bytes, text: bool) -> Any:
    graph_def = tf.compat.v1.GraphDef()
    if text:
        return text_format.Parse(content.decode(), graph_def)
    graph_def.ParseFromString(content)
    return graph_def


def _reshape(graph_def: Any, given: GraphSignature) -> None:
    """Give placeholders the shapes that the user gave, before TensorFlow reckons with others."""
    tensors = [as_tensor(each) for each in given.inputs.values()]
    shapes = {split(each.tensor)[0]: each.shape for each in tensors if each.shape is not None}
    for node in graph_def.node:
        if node.name in shapes and node.op.startswith("Placeholder"):
            node.attr["shape"].shape.CopyFrom(tf.TensorShape(shapes[node.name]).as_proto())


def _symbols(
    graph: Any,
    scope: str,
    given: Mapping[str, str | GraphTensor],
    specs: Mapping[str, TensorSpec],
) -> Iterator[tuple[str, Any]]:
    for name, tensor in given.items():
        symbol = graph.get_tensor_by_name(scope + full(as_tensor(tensor).tensor))
        _check(symbol, specs[name])
        yield name, symbol


def _check(symbol: Any, spec: TensorSpec) -> None:
    """Hold what was given, or told without TensorFlow, against what TensorFlow finds."""
    found = TensorSpec(symbol.dtype.base_dtype.name, _shape(symbol), spec.name)
    if found.dtype == spec.dtype and symbol.shape.is_compatible_with(spec.shape):
        return
    raise SignatureMismatchError(
        f"tensor {symbol.name!r} of the graph is {found}, but its signature says {spec}: give "
        f"{spec.name!r} as GraphTensor({symbol.name!r}, shape={found.shape}, "
        f"dtype={found.dtype!r})"
    )


def _shape(symbol: Any) -> tuple[int | None, ...] | None:
    return None if symbol.shape.rank is None else tuple(symbol.shape.as_list())
