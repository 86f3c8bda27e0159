"""From which operation a tensor comes, told without TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_PASSES_ON = (
    *("Cast", "CheckNumerics", "ClipByValue", "EnsureShape", "ExpandDims", "Identity"),
    *("PreventGradient", "Reshape", "Snapshot", "Squeeze", "StopGradient", "StridedSlice"),
    "Transpose",
)
"""Operations whose values are those of their first input, in another shape or dtype."""

_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_DEPTH = 1000


@dataclass(frozen=True)
class _Scope:
    """The graph, or the body of a function with what it was called with."""

    nodes: Mapping[str, Any]
    given: Mapping[str, str] = field(default_factory=dict)
    caller: "_Scope | None" = None


class Origins:
    """Finds the operation that makes the values of a tensor, through calls of functions.

    Args:
        graph_def: the graph with the functions that it calls, of TensorFlow or of our own protos.
    """

    def __init__(self, graph_def: Any) -> None:
        self._graph = _Scope({node.name: node for node in graph_def.node})
        self._functions = {each.signature.name: each for each in graph_def.library.function}

    def is_probability(self, tensor: str) -> bool:
        """Whether the values of a tensor (``node:0``) are those of a sigmoid."""
        return self.operation(tensor) == "Sigmoid"

    def operation(self, tensor: str) -> str | None:
        """The operation that made the values; None where it cannot be told."""
        scope = self._graph
        for _ in range(_DEPTH):
            name, *index = tensor.split(":")
            if name in scope.given and scope.caller is not None:
                tensor, scope = scope.given[name], scope.caller
                continue
            node = scope.nodes.get(name)
            if node is None:
                return None
            if node.op in _CALLS:
                function = self._functions.get(node.attr["f"].func.name)
                if function is None:
                    return None
                tensor, scope = _called(function, node, int(index[-1]) if index else 0, scope)
            elif node.op in _PASSES_ON and node.input:
                tensor = node.input[0]
            else:
                return str(node.op)
        return None


def _called(function: Any, node: Any, index: int, caller: _Scope) -> tuple[str, _Scope]:
    """What a function returns as its output of that index, and the scope in which that stands."""
    arguments = [each.name for each in function.signature.input_arg]
    given = dict(zip(arguments, node.input, strict=False))
    nodes = {each.name: each for each in function.node_def}
    result = function.ret[function.signature.output_arg[index].name]
    return result, _Scope(nodes, given, caller)
