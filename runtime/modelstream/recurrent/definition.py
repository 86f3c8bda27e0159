"""Models with a hidden state: what one record leaves goes into the call for the next of its key."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy.typing as npt

from modelstream.annotations import check_fields
from modelstream.arguments import check_model, check_on_error
from modelstream.convert import Constant, Layout, TensorSpec
from modelstream.errors import SignatureMismatchError
from modelstream.failure import Fail, OnError
from modelstream.flink.keyed import check_ttl
from modelstream.messages import listed
from modelstream.models.outputs import check_rows, problem
from modelstream.models.protocol import Model
from modelstream.models.signature import (
    DEFAULT_SIGNATURE,
    Signature,
    check_runs,
    find_signature,
    warn_of_state,
)

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class RecurrentModel:
    """A model with a hidden state for each key, which Flink keeps.

    Examples:
        >>> lstm = ms.RecurrentModel(ms.SavedModel("/models/lstm"), state={"h": "h_next"})
        >>> found = ms.infer_with_state(stream.key_by(lambda row: row.user), lstm)

    Attributes:
        model: it takes one record and the state, and gives the next state beside its outputs.
        state: input tensor → the output tensor that replaces it for the next record of the key.
            A key begins with zeros.
        inputs: tensor → column, or a Constant for all records; a tensor that is not named is fed
            from the column of its name.
        outputs: column → tensor; None gives every output but the state that has a row a record.
        signature: which function of the model.
        on_error: what becomes of a record that cannot be scored; it leaves the state as it was.
        name: what metrics, dead letters, messages and savepoints call it: two of one job need two
            names.
        ttl: None keeps a key for ever. Otherwise one without a record for so long may be forgotten,
            and begins with zeros again.
        warm_up: call the model with zeros before the first record.
    """

    model: Model
    state: Mapping[str, str]
    inputs: Mapping[str, str | Constant] = field(default_factory=dict)
    outputs: Mapping[str, str] | None = None
    signature: str = DEFAULT_SIGNATURE
    on_error: OnError = field(default_factory=Fail)
    name: str = "recurrent"
    ttl: timedelta | None = None
    warm_up: bool = True

    def __post_init__(self) -> None:
        check_model(self.model, type(self).__name__)
        check_ttl(self.ttl)
        check_on_error(self.on_error)
        check_fields(self)
        found = self.found
        check_runs(found)
        warn_of_state(found)
        _check_names("state", self.state, found.inputs, found)
        _check_names("state gives", self.state.values(), found.outputs, found)
        _check_names("inputs", self.inputs, found.inputs, found)
        _check_names("outputs", (self.outputs or {}).values(), found.outputs, found)
        for tensor in self.feeds:
            _check_one_record(tensor, found)
        for tensor in self.columns.values():
            check_rows(found, tensor, "cannot be a column")
        for tensor, source in self.state.items():
            _check_one_record(tensor, found)
            here, there = found.inputs[tensor], found.outputs[source]
            if here.layout is not Layout.DENSE:
                raise SignatureMismatchError(
                    f"the state {tensor!r} ({here}) is {here.layout}: a state is a dense tensor, "
                    f"which has the same size for each record"
                )
            if (here.dtype, here.record_shape) != (there.dtype, there.record_shape):
                raise SignatureMismatchError(
                    f"the state {tensor!r} ({here}) cannot be what {source!r} ({there}) gives: "
                    f"the next record takes the same dtype and shape"
                )

    @property
    def found(self) -> Signature:
        """The signature."""
        return find_signature(self.model.signatures, self.signature, self.model.name)

    @property
    def feeds(self) -> dict[str, str]:
        """Tensor → column, of every input but the state and the constants."""
        fed = {n: self.inputs.get(n, n) for n in self.found.inputs if n not in self.state}
        return {name: each for name, each in fed.items() if not isinstance(each, Constant)}

    @property
    def constants(self) -> dict[str, Array]:
        """What the inputs get that are the same for all records.

        Raises:
            SignatureMismatchError: a constant does not fit its tensor.
        """
        specs = self.found.inputs
        return {name: each.to_tensor(specs[name]).of(1) for name, each in self.fixed.items()}

    @property
    def fixed(self) -> dict[str, Constant]:
        """The same as they were given."""
        return {n: each for n, each in self.inputs.items() if isinstance(each, Constant)}

    @property
    def columns(self) -> dict[str, str]:
        """Column → tensor, of what goes out."""
        if self.outputs is not None:
            return dict(self.outputs)
        found, states = self.found, set(self.state.values())
        names = [name for name in found.outputs if name not in states]
        return {name: name for name in names if problem(found, name) is None}

    @property
    def hidden(self) -> dict[str, TensorSpec]:
        """The tensors of the state."""
        return {name: self.found.inputs[name] for name in self.state}


def _check_one_record(tensor: str, signature: Signature) -> None:
    """Refuse an input that does not take one record: of another batch, or of unknown rank."""
    spec = signature.inputs[tensor]
    if spec.shape is None and spec.layout is Layout.DENSE:
        raise SignatureMismatchError(
            f"the model does not state the rank of input {tensor!r} ({spec}): state its shape, "
            f"SavedModel(…, shapes={{{tensor!r}: (None, …)}}), or give one value for all records, "
            f"inputs={{{tensor!r}: Constant(…)}}"
        )
    if spec.shape is not None and (spec.shape == () or spec.batch not in (None, 1)):
        raise SignatureMismatchError(
            f"input {tensor!r} ({spec}) does not take one record: a model with a state for each "
            f"key is called record by record, and the first dimension counts as the batch; export "
            f"it for any number of records, or for one. What is not a batch can have one value for "
            f"all records, inputs={{{tensor!r}: Constant(…)}}"
        )


def _check_names(what: str, names: Any, known: Any, signature: Signature) -> None:
    for name in names:
        if name not in known:
            raise SignatureMismatchError(
                f"{what} names the tensor {name!r}, which signature {signature} does not have; "
                f"it has {listed(known)}"
            )
