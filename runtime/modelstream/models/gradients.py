"""The gradient functions that TensorFlow registers while it traces, which nothing takes back.

Each ``tf.custom_gradient`` in a graph registers a function for the whole process: every update of a
Keras optimizer has one, ``tf.nn.silu`` is another, and a SavedModel brings those of its own. The
function holds the graph that it was traced in, so that the graph and the variables that it captured
stay until the process ends. Here the graph holds the function instead, and both go together.
"""

import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import tensorflow as tf
from tensorflow.python.eager.polymorphic_function.concrete_function import ConcreteFunction
from tensorflow.python.framework import ops
from tensorflow.python.framework.func_graph import FuncGraph

_PREFIX = "CustomGradient-"  # of the names that TensorFlow makes, each for one function
_FUNCTION = "type"  # what an entry of the registry calls it
_HELD = "_modelstream_gradients"


class _Here(threading.local):
    tied = False


_here = _Here()


@contextmanager
def tied_gradients() -> Iterator[None]:
    """What this thread registers inside goes with its graph, not with the process.

    A graph may well outlive the model: that of a ``tf.function`` which other code calls too.
    """
    before, _here.tied = _here.tied, True
    try:
        yield
    finally:
        _here.tied = before


class _Registry(dict[str, dict[str, Any]]):
    """TensorFlow's registry of gradients; from what is tied it hangs by a weak reference."""

    def __setitem__(self, name: str, entry: dict[str, Any]) -> None:
        if _here.tied and name.startswith(_PREFIX):
            function = entry[_FUNCTION]
            if (graph := _graph(function)) is not None:
                setattr(graph, _HELD, (*getattr(graph, _HELD, ()), function))
                gone = weakref.ref(function, lambda _: self.pop(name, None))
                entry = {**entry, _FUNCTION: _called_through(gone)}
        super().__setitem__(name, entry)


def _graph(function: Callable[..., Any]) -> Any:
    """The graph that is being traced; of a SavedModel that loads, the one of the gradient."""
    graph = ops.get_default_graph()
    if isinstance(graph, FuncGraph):
        return graph
    enclosed = (cell.cell_contents for cell in function.__closure__ or ())
    return next((each.graph for each in enclosed if isinstance(each, ConcreteFunction)), None)


def _called_through(reference: "weakref.ref[Callable[..., Any]]") -> Callable[..., Any]:
    def gradient(operation: Any, *gradients: Any) -> Any:
        function = reference()
        assert function is not None  # the operation is in a graph that holds it
        return function(operation, *gradients)

    plain: Callable[..., Any] = tf.autograph.experimental.do_not_convert(gradient)
    return plain


ops.gradient_registry._registry = _Registry(ops.gradient_registry._registry)
