"""What `infer` is told of a method and of columns, tied to a model and a stream."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from modelstream.convert import Inputs
from modelstream.errors import OptionError, SignatureMismatchError
from modelstream.messages import listed, suggestion
from modelstream.models import (
    DEFAULT_SIGNATURE,
    BoundMethod,
    Classify,
    Method,
    Model,
    Predict,
    Regress,
    method_for,
)
from modelstream.models.signature import find_signature


def kept_columns(
    readable: Mapping[str, str], keep: Sequence[str] | None, bound: BoundMethod
) -> tuple[str, ...]:
    """The columns that go on.

    Args:
        readable: name → Flink SQL type, of all columns of the stream.
        keep: what the user says; all if None.
        bound: the method, whose columns come after them.

    Raises:
        SignatureMismatchError: one is not there, or has the name of an output.
    """
    names = tuple(readable) if keep is None else tuple(keep)
    for name in names:
        if name not in readable:
            raise SignatureMismatchError(
                f"keep names the column {name!r}, which the stream does not have"
                f"{suggestion(name, readable)}; it has {listed(readable)}"
            )
    for column in bound.output_columns:
        if column.name in names:
            raise SignatureMismatchError(
                f"the column {column.name!r} comes from the stream and from model "
                f"{bound.model!r}: give the output another name with outputs, or leave the "
                f"column out of keep"
            )
    return names


def bound_method(
    model: Model,
    method: Method | None,
    inputs: Inputs | None,
    outputs: Mapping[str, str] | None,
) -> BoundMethod:
    """A method with what `infer` says about its inputs and outputs, tied to the model."""
    method = method or default_method(model)
    changes = {"inputs": inputs, "outputs": outputs}
    given = {name: value for name, value in changes.items() if value is not None}
    if not given:
        return method.bind(model)
    if not isinstance(method, Predict | Classify | Regress):
        raise OptionError(
            f"{' and '.join(given)} go into {type(method).__name__} itself, which is a method of "
            f"your own"
        )
    return replace(method, **given).bind(model)  # type: ignore[arg-type]  # both are mappings


def default_method(model: Model) -> Method:
    """What the exporter of the default signature meant."""
    return method_for(find_signature(model.signatures, DEFAULT_SIGNATURE, model.name))
