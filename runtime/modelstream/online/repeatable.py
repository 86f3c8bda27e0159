"""The functions that a learner has traced, held against what a restart finds again: the state."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from modelstream.errors import ModelError
from modelstream.models.statefulness import RANDOM, Graph

_INSTEAD = (
    "Use Keras layers such as Dropout; or hold a tf.random.Generator as an attribute of the "
    "tf.Module and draw from it where its call has training=True; or give tf.random.stateless_"
    "uniform and its like a seed from a variable that updates count"
)


def check_repeatable(
    name: str, scoring: Sequence[Any], update: Any, variables: Sequence[Any]
) -> None:
    """Refuse what would be otherwise after a restart than without one.

    Args:
        name: the model's.
        scoring: concrete functions that score, and put back the variables that they change.
        update: the one that learns.
        variables: the state, which the update may change.

    Raises:
        ModelError: random numbers whose place is in no variable, or an update that changes what is
            not in the state.
    """
    for function in (*scoring, update):
        if drawn := sorted(set(Graph(function.graph.as_graph_def()).operations(RANDOM))):
            raise ModelError(
                f"model {name!r} draws random numbers with {', '.join(drawn)}, which begin anew in "
                f"each worker: after a restart they would be others. {_INSTEAD}"
            )
    known = {id(variable.handle) for variable in variables}
    lost = [each for each in _changed(update) if id(each.handle) not in known]
    lost += [each for function in scoring for each in _changed(function) if each.variable is None]
    if others := sorted({each.name for each in lost}):
        raise ModelError(
            f"model {name!r} changes {', '.join(others)}, which is none of its variables and would "
            f"not be restored: hold it as an attribute of the tf.Module, or use what Keras counts "
            f"as a variable of the model, such as a keras.random.SeedGenerator of the layer"
        )


def changed_variables(function: Any) -> list[Any]:
    """The variables that a concrete function changes."""
    return [each.variable for each in _changed(function) if each.variable is not None]


@dataclass(frozen=True)
class _Change:
    """A resource that a function changes; a table, for one, is not a variable."""

    handle: Any
    variable: Any
    name: str


def _changed(function: Any) -> Iterator[_Change]:
    graph = function.graph
    variables = {id(variable.handle): variable for variable in graph.variables}
    changed = Graph(graph.as_graph_def()).changed()
    for handle, inside in graph.captures:
        if (node := inside.op.name) in changed:
            variable = variables.get(id(handle))
            yield _Change(handle, variable, node if variable is None else variable.name)
