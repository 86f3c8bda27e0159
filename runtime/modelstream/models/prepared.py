"""Whether a graph has values for what it reads, asked once after it was loaded.

A loader may take a model and leave its variables empty: Keras 3 keeps its variables where only the
v2 loader finds them again when ``tf.saved_model.save`` wrote the model. The first record would find
out, and so would each after it.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import tensorflow as tf

from modelstream.errors import ModelLoadError

_HAS_VALUE: Mapping[str, Callable[[Any], Any]] = {
    "VarHandleOp": lambda handle: tf.raw_ops.VarIsInitializedOp(resource=handle),
    "Variable": lambda handle: tf.raw_ops.IsVariableInitialized(ref=handle),
    "VariableV2": lambda handle: tf.raw_ops.IsVariableInitialized(ref=handle),
}
_TABLE = "HashTableV2"


def check_prepared(session: Any, outputs: Iterable[Any]) -> None:
    """Refuse a graph in which nothing has filled a variable or a table that the outputs need.

    Args:
        session: with the graph in it, loaded.
        outputs: tensors of the graph.

    Raises:
        ModelLoadError: names some of them.
    """
    needed = list(_needed(outputs))
    handles = [each.outputs[0] for each in needed if each.type in _HAS_VALUE]
    given = session.run([_HAS_VALUE[each.op.type](each) for each in handles])
    empty = [each.op.name for each, has_value in zip(handles, given, strict=True) if not has_value]
    empty += [each.name for each in needed if each.type == _TABLE and _is_empty(session, each)]
    if empty:
        more = f" and {len(empty) - 5} more" if len(empty) > 5 else ""
        raise ModelLoadError(
            f"nothing has filled what its outputs need: {', '.join(sorted(empty)[:5])}{more}"
        )


def _needed(tensors: Iterable[Any]) -> Iterator[Any]:
    """Each operation that the tensors depend on; a function gets its variables as inputs."""
    seen = set()
    waiting = [each.op for tensor in tensors for each in tf.nest.flatten(tensor, True)]
    while waiting:
        operation = waiting.pop()
        if operation in seen:
            continue
        seen.add(operation)
        yield operation
        waiting += [*(each.op for each in operation.inputs), *operation.control_inputs]


def _is_empty(session: Any, table: Any) -> bool:
    """Whether nothing ever filled the table: without an entry it then refuses to be read out."""
    handle = table.outputs[0]
    if session.run(tf.raw_ops.LookupTableSizeV2(table_handle=handle)):
        return False
    keys, values = table.get_attr("key_dtype"), table.get_attr("value_dtype")
    entries = tf.raw_ops.LookupTableExportV2(table_handle=handle, Tkeys=keys, Tvalues=values)
    try:
        session.run(entries)
    except tf.errors.AbortedError:
        return True
    return False
