"""Functions and graphs of TensorFlow that were built in code → a GraphDef without variables."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import tensorflow as tf
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

from modelstream.convert.spec import Layout
from modelstream.errors import SignatureMismatchError
from modelstream.models.gradients import tied_gradients
from modelstream.models.graph_signature import GraphTensor
from modelstream.models.session_engine import without_deprecations
from modelstream.models.statefulness import CHANGES
from modelstream.models.tensor_names import full

_STATE = {
    CHANGES.pattern: "changes variables",
    r"\w*Table\w*": "looks up in tables, which somebody has to fill",
}
_LEFT = {
    **_STATE,
    r"VarHandleOp|Variable(V2)?": "has variables: give the session that holds their values",
}


@dataclass(frozen=True)
class Tensors:
    """What a frozen graph takes and gives, with all that TensorFlow knows of each."""

    inputs: dict[str, GraphTensor]
    outputs: dict[str, GraphTensor]


def frozen_function(
    function: Any, inputs: Mapping[str, Any] | None = None
) -> tuple[bytes, Tensors]:
    """Trace a function and make constants of its variables.

    Args:
        function: a ``tf.function``, a concrete function, or a Python function of tensors.
        inputs: argument → TensorSpec (ours or TensorFlow's), where the function does not tell.

    Raises:
        SignatureMismatchError: it cannot be traced or frozen; says why.
    """
    with tied_gradients():
        concrete = _concrete(function, inputs)
    _check(concrete.graph.as_graph_def(), _title(function), _STATE)
    frozen = _refusing(lambda: convert_variables_to_constants_v2(concrete), _title(function))
    graph_def = frozen.graph.as_graph_def()
    _check(graph_def, _title(function), _LEFT)
    names = _output_names(concrete.structured_outputs)
    return graph_def.SerializeToString(), Tensors(
        {tensor.op.name: _tensor(tensor) for tensor in frozen.inputs},
        {name: _tensor(each) for name, each in zip(names, frozen.outputs, strict=True)},
    )


def frozen_graph(
    graph: Any, inputs: Mapping[str, Any], outputs: Mapping[str, Any], session: Any = None
) -> tuple[bytes, Tensors]:
    """What of a graph its outputs need, with constants for the variables.

    Args:
        graph: a ``tf.Graph``.
        inputs: name → tensor, as an object or by its name.
        outputs: name → tensor.
        session: holds the values of the variables.

    Raises:
        SignatureMismatchError: there are variables and no session, or tables.
    """
    found = Tensors(
        {name: _tensor(_symbol(graph, each)) for name, each in inputs.items()},
        {name: _tensor(_symbol(graph, each)) for name, each in outputs.items()},
    )
    ends = [_symbol(graph, each).op.name for each in outputs.values()]
    graph_def = graph.as_graph_def()
    utilities = tf.compat.v1.graph_util
    with without_deprecations():
        graph_def = utilities.extract_sub_graph(graph_def, ends)
        if session is not None:
            graph_def = _refusing(
                lambda: utilities.convert_variables_to_constants(session, graph_def, ends),
                "the graph",
            )
    _check(graph_def, "the graph", _LEFT)
    return graph_def.SerializeToString(), found


def _concrete(function: Any, inputs: Mapping[str, Any] | None) -> Any:
    if inputs is None and hasattr(function, "structured_input_signature"):
        return function
    if inputs is None and getattr(function, "input_signature", None) is None:
        raise SignatureMismatchError(
            f"{_title(function)} does not say what it takes: give inputs, such as "
            f"inputs={{'x': ms.TensorSpec('float32', (None, 16))}}, or give it an input_signature"
        )
    if inputs is None:
        return _refusing(function.get_concrete_function, _title(function))
    _refuse_ragged(_title(function), inputs)
    specs = {name: tf.TensorSpec(each.shape, each.dtype, name) for name, each in inputs.items()}
    traced = function if hasattr(function, "get_concrete_function") else tf.function(function)
    return _refusing(lambda: traced.get_concrete_function(**specs), _title(function))


def _refuse_ragged(title: str, inputs: Mapping[str, Any]) -> None:
    for name, each in inputs.items():
        if getattr(each, "layout", Layout.DENSE) is not Layout.DENSE:
            raise SignatureMismatchError(
                f"{title} cannot be frozen with the input {name!r} ({each}): a graph takes dense "
                f"tensors only. Save it with tf.saved_model.save and open it as a SavedModel"
            )


def _refusing(act: Callable[[], Any], title: str) -> Any:
    try:
        return act()
    except Exception as error:  # whatever TensorFlow and the user's function raise
        raise SignatureMismatchError(
            f"{title} cannot be frozen: {type(error).__name__}: {error}"
        ) from error


def _check(graph_def: Any, title: str, reasons: Mapping[str, str]) -> None:
    """Refuse what would need more than the graph alone carries.

    Args:
        graph_def: with the functions that it calls.
        title: what is being frozen, for messages.
        reasons: pattern of an operation → what it means that it is there.
    """
    for pattern, reason in reasons.items():
        found = sorted({f"{node.name} ({node.op})" for node in _nodes(graph_def, pattern)})
        if found:
            raise SignatureMismatchError(
                f"{title} cannot be frozen, because it {reason}: {', '.join(found[:5])}. A model "
                f"whose state lives on is saved with tf.saved_model.save and opened as a SavedModel"
            )


def _nodes(graph_def: Any, pattern: str) -> Iterator[Any]:
    bodies = (function.node_def for function in graph_def.library.function)
    for nodes in (graph_def.node, *bodies):
        yield from (node for node in nodes if re.fullmatch(pattern, node.op))


def _output_names(structure: Any) -> list[str]:
    """One name an output, in the order in which TensorFlow flattens them."""
    if isinstance(structure, Mapping):
        return sorted(structure)
    flat: Iterable[Any] = tf.nest.flatten(structure)
    names = [f"output_{index}" for index, _ in enumerate(flat)]
    return ["output"] if len(names) == 1 else names


def _symbol(graph: Any, tensor: Any) -> Any:
    if isinstance(tensor, str):
        return graph.get_tensor_by_name(full(tensor))
    return graph.as_graph_element(tensor, allow_operation=False)


def _tensor(symbol: Any) -> GraphTensor:
    rank = symbol.shape.rank
    shape = None if rank is None else tuple(symbol.shape.as_list())
    return GraphTensor(symbol.name, shape, symbol.dtype.base_dtype.name)


def _title(function: Any) -> str:
    return f"the function {getattr(function, '__name__', type(function).__name__)}"
