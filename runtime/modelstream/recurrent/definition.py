"""Models of sequences: what one record leaves behind goes into the call for the next of its key."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from modelstream.convert import Layout, TensorSpec, from_tensor
from modelstream.convert.inputs import Tensor
from modelstream.convert.ragged import to_input
from modelstream.errors import ConversionError, SignatureMismatchError
from modelstream.failure import DeadLetter, Fail, Failure, OnError, Stage, check_on_error
from modelstream.flink.fields import (
    check_fields,
    dead_letter_type,
    fields_of,
    refuse_same_names,
    row,
    type_of,
)
from modelstream.flink.keyed import check_keyed, check_ttl
from modelstream.models.protocol import Model, OpenModel, check_model
from modelstream.models.signature import DEFAULT_SIGNATURE, Signature, find_signature, listed

if TYPE_CHECKING:
    from pyflink.datastream import KeyedStream

    from modelstream.online.stream import Learned

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class SequenceModel:
    """A model with a hidden state for each key, which Flink keeps.

    Attributes:
        model: it takes one record and the state, and gives the next state beside its outputs.
        state: input tensor → the output tensor that replaces it for the next record of the key.
            A key begins with zeros.
        inputs: tensor → column; a tensor that is not named is fed from the column of its name.
        outputs: column → tensor; None gives every output that is no state.
        signature: which function of the model.
        on_error: what becomes of a record that cannot be scored; it leaves the state as it was.
        name: in dead letters, and of the operator and its state: two of one job need two names.
        ttl: None keeps a key for ever. Otherwise one without a record for so long may be forgotten,
            and begins with zeros again.
    """

    model: Model
    state: Mapping[str, str]
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: Mapping[str, str] | None = None
    signature: str = DEFAULT_SIGNATURE
    on_error: OnError = field(default_factory=Fail)
    name: str = "sequence"
    ttl: timedelta | None = None

    def __post_init__(self) -> None:
        check_model(self.model, type(self).__name__)
        check_ttl(self.ttl)
        check_on_error(self.on_error)
        found = self.found
        _check_names("state", self.state, found.inputs, found)
        _check_names("state gives", self.state.values(), found.outputs, found)
        _check_names("inputs", self.inputs, found.inputs, found)
        _check_names("outputs", (self.outputs or {}).values(), found.outputs, found)
        for tensor, source in self.state.items():
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
        """Tensor → column, of every input that is no state."""
        names = [name for name in self.found.inputs if name not in self.state]
        return {name: self.inputs.get(name, name) for name in names}

    @property
    def columns(self) -> dict[str, str]:
        """Column → tensor, of what goes out."""
        if self.outputs is not None:
            return dict(self.outputs)
        states = set(self.state.values())
        return {name: name for name in self.found.outputs if name not in states}

    @property
    def hidden(self) -> dict[str, TensorSpec]:
        """The tensors of the state."""
        return {name: self.found.inputs[name] for name in self.state}

    def apply(self, stream: "KeyedStream", *, keep: Sequence[str] | None = None) -> "Learned":
        """Score the records of a stream, each after what came before it under its key.

        Args:
            stream: rows with named fields, by the key that a sequence belongs to.
            keep: fields that go on beside the model's; all if None.

        Returns:
            Rows of the kept fields and the outputs, and dead letters; no weights.

        Raises:
            SignatureMismatchError: the stream has no named fields, or lacks one of the model's, or
                a column is kept and given.
            OptionError: the stream is not keyed.
        """
        from pyflink.datastream import OutputTag

        from modelstream.flink.environments import refuse_thread_mode
        from modelstream.online.stream import Learned
        from modelstream.recurrent.function import RecurrentFunction

        check_keyed(stream, f"model {self.name!r}")
        refuse_thread_mode(stream)
        fields = fields_of(stream._original_data_type_info, self.name)
        kept = tuple(fields if keep is None else keep)
        check_fields([*self.feeds.values(), *kept], fields, self.name)
        found = self.found
        given = {column: type_of(found.outputs[name]) for column, name in self.columns.items()}
        refuse_same_names(kept, given, self.name)
        tag = OutputTag(f"{self.name}-dead-letters", dead_letter_type())
        scored = stream.process(
            RecurrentFunction(self, tuple(fields), kept, tag),
            output_type=row({**{name: fields[name] for name in kept}, **given}),
        )
        scored = scored.name(f"{self.name}: score").uid(f"modelstream-{self.name}-sequence")
        letters = isinstance(self.on_error, DeadLetter)
        return Learned(scored, dead_letters=scored.get_side_output(tag) if letters else None)


class Step:
    """One record through an open model. Knows no Flink."""

    def __init__(self, definition: SequenceModel, model: OpenModel) -> None:
        self._definition = definition
        self._model = model
        self._feeds = definition.feeds
        self._columns = definition.columns
        self._found = definition.found

    def __call__(
        self, record: Mapping[str, Any], hidden: Mapping[str, Array]
    ) -> tuple[list[Any], dict[str, Array]] | Failure:
        """The values of the output columns and the next state; or why there are none."""
        try:
            tensors = dict(self._encoded(record))
        except ConversionError as error:
            return Failure.of(Stage.ENCODE, error)
        try:
            given = self._model.call(self._found.name, {**tensors, **hidden})
        except Exception as error:  # whatever TensorFlow and models raise
            return Failure.of(Stage.INFERENCE, error)
        after = {name: given[source] for name, source in self._definition.state.items()}
        for name, array in after.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                return Failure(Stage.INFERENCE, "NotFinite", f"the state {name!r} is not finite")
        try:
            return [_value(from_tensor(given[name])) for name in self._columns.values()], after
        except ConversionError as error:
            return Failure.of(Stage.DECODE, error)

    def _encoded(self, record: Mapping[str, Any]) -> Iterator[tuple[str, Tensor]]:
        for tensor, column in self._feeds.items():
            try:
                yield tensor, to_input([record[column]], self._found.inputs[tensor])
            except ConversionError as error:
                raise ConversionError(f"column {column!r}: {error}", error.index) from None


def _value(column: Any) -> Any:
    value = column[0]
    return value.tolist() if hasattr(value, "tolist") else value


def _check_names(what: str, names: Any, known: Any, signature: Signature) -> None:
    for name in names:
        if name not in known:
            raise SignatureMismatchError(
                f"{what} names the tensor {name!r}, which signature {signature} does not have; "
                f"it has {listed(known)}"
            )
