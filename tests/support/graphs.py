"""GraphDefs for tests that do without TensorFlow: nodes with what the library reads of them."""

from typing import Any

from modelstream.convert.protos import DATA_TYPES, message

NUMBERS = {name: number for number, name in DATA_TYPES.items()}
FLOAT = {"T": "float32"}

Node = tuple[str, str, list[str], dict[str, Any]]


def graph(*nodes: Node, producer: int = 27) -> bytes:
    """A GraphDef of nodes: (name, operation, inputs, attributes).

    An attribute is a dtype (str), a shape (tuple), or the shape of a constant (list).
    """
    made = message("GraphDef")()
    made.versions.producer = producer
    for node in nodes:
        add_node(made.node, *node)
    return bytes(made.SerializeToString())


def add_node(to: Any, name: str, op: str, inputs: list[str], attributes: dict[str, Any]) -> None:
    """Add a node to a graph or to the body of a function."""
    node = to.add(name=name, op=op, input=inputs)
    for key, value in attributes.items():
        _set(node.attr[key], value)


def placeholder(name: str, dtype: str, shape: tuple[int | None, ...]) -> Node:
    return (name, "Placeholder", [], {"dtype": dtype, "shape": shape})


def constant(name: str, shape: list[int]) -> Node:
    return (name, "Const", [], {"dtype": "float32", "value": shape})


def _set(attribute: Any, value: Any) -> None:
    if isinstance(value, str):
        attribute.type = NUMBERS[value]
        return
    shape = attribute.tensor.tensor_shape if isinstance(value, list) else attribute.shape
    shape.SetInParent()
    for size in value:
        shape.dim.add(size=-1 if size is None else size)


DENSE = graph(
    placeholder("x", "float32", (1, 4)),
    constant("w", [4, 3]),
    constant("b", [3]),
    ("product", "MatMul", ["x", "w"], FLOAT),
    ("sum", "BiasAdd", ["product", "b"], FLOAT),
    ("probabilities", "Softmax", ["sum"], FLOAT),
    ("best", "ArgMax", ["probabilities", "b"], {"T": "float32", "output_type": "int64"}),
    ("far", "Conv2D", ["x", "w"], FLOAT),
    ("mystery", "Custom", ["x"], {}),
)
"""``x`` float32[1, 4] → ``probabilities`` float32[1, 3], and some more ends."""
