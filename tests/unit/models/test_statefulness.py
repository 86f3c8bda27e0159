"""Signatures whose call changes the model."""

import logging

import pytest
from tests.support.graphs import add_node

from modelstream.convert.protos import message
from modelstream.models import Predict, SavedModel, warm_up
from modelstream.models.statefulness import Graph


@pytest.fixture
def called():
    """A graph whose nodes call functions: ``outer`` calls ``inner``, which has the operation."""

    def make(operation):
        graph = message("GraphDef")()
        for name, function in (("y", "outer"), ("z", "")):
            add_node(graph.node, name, "StatefulPartitionedCall", ["x"], {})
            graph.node[-1].attr["f"].func.name = function
        bodies = {"outer": ("call", "PartitionedCall", "inner"), "inner": ("op", operation, "")}
        for name, (node, op, function) in bodies.items():
            body = graph.library.function.add()
            body.signature.name = name
            add_node(body.node_def, node, op, [], {})
            body.node_def[-1].attr["f"].list.func.add(name=function)
        add_node(graph.node, "after", "Identity", ["^y", "z:1"], {})
        return Graph(graph)

    return make


@pytest.mark.parametrize(
    "operation",
    [
        "Assign",
        "AssignAddVariableOp",
        "LookupTableImportV2",
        "LookupTableInsertV2",
        "ResourceApplyAdam",
        "ResourceCountUpTo",
        "ResourceSparseApplyAdagrad",
        "ResourceStridedSliceAssign",
        "RngReadAndSkip",
        "ScatterNdUpdate",
        "ScatterUpdate",
        "StatefulUniformInt",
        "StridedSliceAssign",
    ],
)
def test_a_change_inside_of_a_function_is_found(called, operation):
    graph = called(operation)
    assert graph.changes_variables(["y:0"])
    assert graph.changes_variables(["after:0"]), "a control dependency counts"
    assert not graph.changes_variables(["z:0"]), "what the output does not need does not count"


@pytest.mark.parametrize(
    "operation",
    ["ReadVariableOp", "ScatterNd", "AssignmentOp", "StatefulPartitionedCall", "RandomUniform"],
)
def test_what_only_reads_is_not_a_change(called, operation):
    assert not called(operation).changes_variables(["y:0", "after"])


@pytest.fixture
def drawing():
    """A graph whose function moves ``generator`` on; it hands ``x`` on, or what it draws.

    Beside its results it gives ``weights``, which it reads; another output reads the generator.
    """

    def make(result, change="AssignVariableOp", handle="generator"):
        graph = message("GraphDef")()
        for name in ("generator", "weights"):
            add_node(graph.node, name, "VarHandleOp", [], {"dtype": "resource"})
        add_node(graph.node, "x", "Placeholder", [], {"dtype": "float32"})
        add_node(graph.node, "call", "StatefulPartitionedCall", ["x", "generator", "weights"], {})
        graph.node[-1].attr["f"].func.name = "body"
        add_node(graph.node, "y", "Identity", ["call:0"], {})
        add_node(graph.node, "told", "ReadVariableOp", ["generator"], {})
        body = graph.library.function.add()
        body.signature.name = "body"
        for name in ("x", "generator", "weights"):
            body.signature.input_arg.add(name=name)
        body.signature.output_arg.add(name="out")
        body.ret["out"] = result
        for node, op, inputs in (
            ("seed", "ReadVariableOp", ["generator"]),
            ("one", "Const", []),
            ("next", "AddV2", ["seed:value:0", "one:output:0"]),
            ("change", change, [handle, "next:z:0", "^seed"]),
            ("scaled", "Mul", ["x", "weights"]),
            ("drawn", "StatelessRandomUniform", ["seed:value:0"]),
            ("noisy", "AddV2", ["scaled:z:0", "drawn:output:0"]),
            ("after", "Identity", ["scaled:z:0", "^change"]),
        ):
            add_node(body.node_def, node, op, inputs, {})
        return Graph(graph)

    return make


@pytest.mark.parametrize(
    ("result", "read", "stateful"),
    [
        pytest.param("scaled:z:0", ["y"], False, id="nobody uses what is drawn"),
        pytest.param("after:output:0", ["y:0"], False, id="an order is not a value"),
        pytest.param("noisy:z:0", ["y"], True, id="the output is drawn"),
        pytest.param("scaled:z:0", ["y", "told"], True, id="another output reads it"),
        pytest.param("lost:z:0", ["y"], True, id="it cannot be told"),
    ],
)
def test_a_change_that_no_output_reads_does_not_count(drawing, result, read, stateful):
    assert drawing(result).changes_what_is_read(["y"], read) is stateful


def test_a_change_of_what_the_output_reads_counts_wherever_it_stands(drawing):
    assert drawing("scaled:z:0", handle="weights").changes_what_is_read(["y"], ["y"])
    assert not drawing("noisy:z:0", change="Identity").changes_what_is_read(["y"], ["y", "told"])


class Untouchable:
    def __init__(self, signatures):
        self.signatures = signatures

    def call(self, signature, inputs):
        raise AssertionError("it was called")


def test_what_changes_the_model_is_not_called_to_warm_up_and_is_told(write_model, caplog):
    path = write_model({("serve",): {"count": ({"x": ("float32", (None,))},) * 2}})
    saved = message("SavedModel").FromString((path / "saved_model.pb").read_bytes())
    add_node(saved.meta_graphs[0].graph_def.node, "x", "AssignAdd", [], {})
    (path / "saved_model.pb").write_bytes(saved.SerializeToString())
    model = SavedModel(path)
    assert model.signatures["count"].stateful
    warm_up(Untouchable(model.signatures), "count")
    with caplog.at_level(logging.WARNING, "modelstream"):
        Predict("count").bind(model)
    assert "'count' changes variables of the model: each worker has its own" in caplog.text
