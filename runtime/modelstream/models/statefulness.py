"""Which signatures change variables when they are called, told without TensorFlow."""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any

from modelstream.models.dataflow import Dataflow
from modelstream.models.tensor_names import split

CHANGES = re.compile(
    "|".join(
        (
            # variables, of both kinds
            r"Assign(Add|Sub)?(Variable(Op|XlaConcatND))?|(Resource)?(StridedSliceAssign|CountUpTo)",
            r"(Resource)?Scatter(Nd)?(Add|Div|Max|Min|Mul|Sub|Update)",
            r"(Resource)?(Sparse)?Apply\w+|SdcaShrinkL1|NegTrain|DestroyResourceOp|"
            r"TPUReshardVariables",
            # random generators, which keep their place in a variable
            r"Rng(ReadAnd)?Skip",
            r"Stateful(RandomBinomial|StandardNormal(V2)?|TruncatedNormal|Uniform(FullInt|Int)?)",
            # tables, queues, readers and datasets
            r"LookupTable(Import|Insert|Remove)(V2)?",
            r"Queue(Close|Dequeue(Many|UpTo)?|Enqueue(Many)?)(V2)?",
            r"Barrier(Close|InsertMany|TakeMany)|Reader(Read(UpTo)?|Reset|RestoreState)(V2)?",
            r"(Make|Deserialize)Iterator|IteratorGetNext(AsOptional|Sync)?",
            r"MultiDeviceIterator(Init|GetNextFromShard)",
            # what trains
            r"(Resource|Sparse)?Accumulator(ApplyGradient|SetGlobalStep|TakeGradient)",
            r"BoostedTrees(CenterBias|(Create|Deserialize)Ensemble|UpdateEnsemble(V2)?)",
            r"BoostedTrees(Create)?QuantileStreamResource(AddSummaries|Deserialize|Flush)?",
        )
    )
)
"""Operations that change what the next call of the model finds. A test holds them against
TensorFlow's own list. Random numbers without a generator have no variable: they are not here."""

RANDOM = re.compile(
    r"Random(Crop|Gamma|Poisson(V2)?|Shuffle|StandardNormal|Uniform(Int)?)|Multinomial|"
    r"(Parameterized)?TruncatedNormal|SampleDistortedBoundingBox(V2)?|\w+CandidateSampler"
)
"""Operations that draw random numbers and keep their place in the process, where no variable tells
it. A test holds them against TensorFlow's own list."""


PYTHON = ("PyFunc", "PyFuncStateless", "EagerPyFunc")
"""Operations that call a Python function of the process that exported the model."""


class Graph:
    """The nodes of a meta graph and the functions that they call."""

    def __init__(self, graph_def: Any) -> None:
        self._nodes = {node.name: node for node in graph_def.node}
        self._functions = {
            each.signature.name: each.node_def for each in graph_def.library.function
        }
        self._graph_def = graph_def
        self._library = graph_def.library.function
        self._changes: dict[str, frozenset[str]] = {}

    def changes_variables(self, tensors: Iterable[str]) -> bool:
        """Whether something that these tensors need changes a variable, a table or a generator."""
        return any(CHANGES.fullmatch(node.op) for node in self._needed(tensors))

    def changes_what_is_read(self, tensors: Iterable[str], read: Iterable[str]) -> bool:
        """Whether these tensors need a change of something that comes into those that are read.

        A generator whose numbers nobody uses is not: layers with dropout have one.
        """
        tensors = tuple(tensors)
        if not self.changes_variables(tensors):
            return False
        return Dataflow(self._graph_def, CHANGES).reads_a_change(tensors, read)

    def needs(self, tensors: Iterable[str], operations: Collection[str]) -> str | None:
        """An operation of those that the tensors need, as ``name (operation)``; None without."""
        found = (node for node in self._needed(tensors) if node.op in operations)
        return next((f"{node.name} ({node.op})" for node in found), None)

    def operations(self, pattern: re.Pattern[str]) -> Iterator[str]:
        """The operations that match, of all nodes and functions."""
        for nodes in (self._nodes.values(), *self._functions.values()):
            yield from (node.op for node in nodes if pattern.fullmatch(node.op))

    def changed(self) -> frozenset[str]:
        """The nodes whose variable, table or generator something in the graph changes.

        Takes a graph of TensorFlow's: the protos that read files do without arguments.
        """
        return self._changed(self._nodes.values())

    def _changed(self, nodes: Iterable[Any]) -> frozenset[str]:
        found: set[str] = set()
        for node in nodes:
            given = [each.partition(":")[0] for each in node.input if not each.startswith("^")]
            if CHANGES.fullmatch(node.op):
                found.update(given)
            for function in set(_functions(node.attr)) & self._arguments.keys():
                within = self._changed_within(function)
                # From the end: an If takes a condition before what it hands on.
                pairs = zip(reversed(given), reversed(self._arguments[function]), strict=False)
                found.update(outside for outside, inside in pairs if inside in within)
        return frozenset(found)

    @cached_property
    def _arguments(self) -> dict[str, list[str]]:
        """Function → what it calls its inputs."""
        signatures = (each.signature for each in self._library)
        return {each.name: [argument.name for argument in each.input_arg] for each in signatures}

    def _changed_within(self, function: str) -> frozenset[str]:
        if function not in self._changes:
            self._changes[function] = frozenset()  # should it call itself
            self._changes[function] = self._changed(self._functions[function])
        return self._changes[function]

    def _needed(self, tensors: Iterable[str]) -> Iterator[Any]:
        """Each node that the tensors depend on, and all of the functions that those call."""
        seen: set[str] = set()
        waiting = [split(tensor)[0] for tensor in tensors]
        while waiting:
            name = waiting.pop()
            if name in seen or name not in self._nodes:
                continue
            seen.add(name)
            node = self._nodes[name]
            yield node
            yield from self._called(node, seen)
            waiting += [split(each)[0] for each in node.input]

    def _called(self, node: Any, seen: set[str]) -> Iterator[Any]:
        for function in _functions(node.attr):
            if function not in self._functions or f"{function}()" in seen:
                continue
            seen.add(f"{function}()")
            for inner in self._functions[function]:
                yield inner
                yield from self._called(inner, seen)


def _functions(attributes: Mapping[str, Any]) -> Iterator[str]:
    for value in attributes.values():
        if value.HasField("func"):
            yield value.func.name
        yield from (each.name for each in value.list.func)
