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
