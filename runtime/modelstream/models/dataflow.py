"""What the values of a tensor are made of, told without TensorFlow, through calls of functions.

A recurrent layer with dropout moves a random generator on in each call, and does not use what it
draws. So it is not enough to know that a call changes something: somebody must read it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_CALLS = ("PartitionedCall", "StatefulPartitionedCall")
_RESOURCE = 20
"""The dtype of handles of variables and tables."""


@dataclass(frozen=True)
class _Body:
    """The nodes of a graph, or of a function, and the order of its arguments."""

    nodes: Mapping[str, Any]
    arguments: tuple[str, ...] = ()
    results: tuple[str, ...] = ()


@dataclass
class _Sources:
    """Where values come from: arguments of the function, by position, and nodes without inputs."""

    arguments: set[int] = field(default_factory=set)
    nodes: set[str] = field(default_factory=set)


class Dataflow:
    """Follows values through a graph.

    Args:
        graph_def: the graph with the functions that it calls, of TensorFlow or of our own protos.
        operations: those that change what they are given.
    """

    def __init__(self, graph_def: Any, operations: re.Pattern[str]) -> None:
        self._operations = operations
        self._graph = _Body({node.name: node for node in graph_def.node})
        self._functions = {each.signature.name: _body(each) for each in graph_def.library.function}
        self._results: dict[tuple[str, int], _Sources] = {}
        self._touched: dict[str, _Sources] = {}

    def reads_a_change(self, made: Iterable[str], read: Iterable[str]) -> bool:
        """Whether a variable or table that changes when ``made`` are made comes into ``read``.

        So it is where that cannot be told.
        """
        changed = self._given("", _Body(self._needed(made))).nodes
        sources = self._behind("", self._graph, read).nodes
        return _UNKNOWN in changed | sources or not changed.isdisjoint(sources)

    def _needed(self, tensors: Iterable[str]) -> dict[str, Any]:
        """The nodes that run before the tensors are there."""
        found: dict[str, Any] = {}
        waiting = list(tensors)
        while waiting:
            name = waiting.pop().removeprefix("^").partition(":")[0]
            if name not in found and name in self._graph.nodes:
                found[name] = self._graph.nodes[name]
                waiting += found[name].input
        return found

    def _behind(self, title: str, body: _Body, tensors: Iterable[str]) -> _Sources:
        """What the tensors of a body are made of; control dependencies carry no values."""
        found, seen, waiting = _Sources(), set[str](), list(tensors)
        while waiting:
            tensor = waiting.pop()
            name, *index = tensor.split(":")
            if tensor in seen or name.startswith("^"):
                continue
            seen.add(tensor)
            if name in body.arguments:
                found.arguments.add(body.arguments.index(name))
                continue
            node = body.nodes.get(name)
            if node is None:
                found.nodes.add(_UNKNOWN)
                continue
            given = _values(node)
            function = _called(node)
            if function is not None and function in self._functions:
                inside = self._result(function, int(index[-1]) if index else 0)
                found.nodes |= inside.nodes
                waiting += [given[at] for at in inside.arguments if at < len(given)]
                continue
            for other in _functions(node):  # a loop or a branch: all that goes into it
                found.nodes |= self._inner(other)
            if not given and _is_variable(node):
                found.nodes.add(f"{title}{name}")
            waiting += given
        return found

    def _result(self, function: str, index: int) -> _Sources:
        """What one result of a function is made of."""
        if (function, index) not in self._results:
            body = self._functions[function]
            everything = _Sources(set(range(len(body.arguments))))  # should it call itself
            self._results[function, index] = everything
            result = body.results[index : index + 1]
            made = self._behind(f"{function}/", body, result) if result else everything
            self._results[function, index] = made
        return self._results[function, index]

    def _given(self, title: str, body: _Body) -> _Sources:
        """What operations that change something get, in a body and in functions that it calls."""
        found = _Sources()
        for node in body.nodes.values():
            given = _values(node)
            if self._operations.fullmatch(node.op):
                if not given:
                    found.nodes.add(_UNKNOWN)
                _add(found, self._behind(title, body, given))
            for function in _functions(node):
                inside = self._touches(function)
                found.nodes |= inside.nodes
                if function == _called(node):
                    given = [given[at] for at in inside.arguments if at < len(given)]
                if inside.arguments:
                    _add(found, self._behind(title, body, given))
        return found

    def _touches(self, function: str) -> _Sources:
        if function not in self._functions:
            return _Sources()
        if function not in self._touched:
            self._touched[function] = _Sources()  # should it call itself
            body = self._functions[function]
            self._touched[function] = self._given(f"{function}/", body)
        return self._touched[function]

    def _inner(self, function: str, seen: frozenset[str] = frozenset()) -> set[str]:
        """The variables that stand in a function itself."""
        if function not in self._functions or function in seen:
            return set()
        nodes = self._functions[function].nodes.values()
        found = {f"{function}/{each.name}" for each in nodes if _is_variable(each)}
        for node in nodes:
            for other in _functions(node):
                found |= self._inner(other, seen | {function})
        return found


_UNKNOWN = "?"


def _body(function: Any) -> _Body:
    return _Body(
        {each.name: each for each in function.node_def},
        tuple(each.name for each in function.signature.input_arg),
        tuple(function.ret[each.name] for each in function.signature.output_arg),
    )


def _add(found: _Sources, others: _Sources) -> None:
    found.arguments |= others.arguments
    found.nodes |= others.nodes


def _values(node: Any) -> list[str]:
    return [each for each in node.input if not each.startswith("^")]


def _called(node: Any) -> str | None:
    return str(node.attr["f"].func.name) if node.op in _CALLS else None


def _functions(node: Any) -> Iterator[str]:
    for value in node.attr.values():
        if value.HasField("func"):
            yield value.func.name
        yield from (each.name for each in value.list.func)


def _is_variable(node: Any) -> bool:
    """Whether a node without inputs may hold what another call has left."""
    if _values(node) or node.op in ("Const", "NoOp"):
        return False
    return bool(node.op != "Placeholder" or node.attr["dtype"].type == _RESOURCE)
