"""What is done with the records of a table or stream: decided once, carried to the workers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from modelstream.arguments import check_model, check_on_error
from modelstream.convert import Inputs
from modelstream.errors import OptionError, SignatureMismatchError
from modelstream.failure import Fail, OnError
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
from modelstream.scoring.batch import Batch
from modelstream.scoring.records import RecordDecoder, RecordEncoder


@dataclass(frozen=True)
class Plan:
    """All that scores the records of one table or stream. Picklable; the workers get it whole.

    Attributes:
        model: which one.
        bound: how it is called.
        keep: columns that go on beside the model's; all of the source's if None.
        key: the column that identifies a record in dead letters and messages.
        batch: how many records a call takes; what the job has, else the default, if None.
        on_error: what becomes of a record that cannot be scored.
        warm_up: call the model with zeros before the first record.
        decoder: makes columns of raw records beside the model.
        encoder: makes a sink's records of the columns that go on, so that these are its bytes.
    """

    model: Model
    bound: BoundMethod
    keep: tuple[str, ...] | None = None
    key: str | None = None
    batch: Batch | None = None
    on_error: OnError = field(default_factory=Fail)
    warm_up: bool = True
    decoder: RecordDecoder | None = None
    encoder: RecordEncoder | None = None

    @classmethod
    def of(
        cls,
        model: Model,
        method: Method | None = None,
        *,
        inputs: Inputs | None = None,
        outputs: Mapping[str, str] | None = None,
        keep: Sequence[str] | None = None,
        key: str | None = None,
        batch: Batch | None = None,
        on_error: OnError = Fail(),  # noqa: B008  # frozen
        warm_up: bool = True,
    ) -> "Plan":
        """The plan that a user states; see `infer`.

        Raises:
            OptionError: an option cannot be honoured, or ``model`` is not a model.
            SignatureMismatchError: the method does not fit the model's signature.
        """
        check_model(model, "infer")
        check_on_error(on_error)
        bound = bound_method(model, method, inputs, outputs)
        kept = None if keep is None else tuple(keep)
        return cls(model, bound, kept, key, batch, on_error, warm_up)

    @property
    def kept(self) -> tuple[str, ...]:
        """The columns that go on, once `over` has looked for them."""
        return self.keep or ()

    @property
    def decoded(self) -> tuple[str, ...]:
        """The columns that go on among those that the decoder makes."""
        made = {column.name for column in self.decoder.columns} if self.decoder else set()
        return tuple(name for name in self.kept if name in made)

    def over(self, readable: Mapping[str, str], keys: Mapping[str, str] | None = None) -> "Plan":
        """The plan for a source that has these columns.

        Args:
            readable: name → Flink SQL type, of what can be kept.
            keys: the same, of what can be the key; None where that is not known beforehand.

        Raises:
            SignatureMismatchError: a column is not there, or has the name of an output.
        """
        if keys is not None and self.key is not None:
            check_column("key names", self.key, keys)
        return replace(self, keep=_kept(readable, self.keep, self.bound))


def _kept(
    readable: Mapping[str, str], keep: Sequence[str] | None, bound: BoundMethod
) -> tuple[str, ...]:
    names = tuple(readable) if keep is None else tuple(keep)
    for name in names:
        check_column("keep names", name, readable)
    refuse_two_sources(names, [column.name for column in bound.output_columns], bound.model)
    return names


def check_column(who: str, name: str, columns: Mapping[str, object]) -> None:
    """Check that a column is there before anything reads it.

    Args:
        who: what asks for it, such as ``keep names``.
        name: the column.
        columns: those that there are.

    Raises:
        SignatureMismatchError: it is not there.
    """
    if name not in columns:
        raise SignatureMismatchError(
            f"{who} the column {name!r}, which the stream does not have"
            f"{suggestion(name, columns)}; it has {listed(columns)}"
        )


def refuse_two_sources(kept: Sequence[str], given: Sequence[str], model: str) -> None:
    """Each column that goes on has one source: the stream or the model.

    Raises:
        SignatureMismatchError: a column that is kept has the name of one that the model gives.
    """
    for name in given:
        if name in kept:
            raise SignatureMismatchError(
                f"the column {name!r} comes from the stream and from model {model!r}: give the "
                f"output another name with outputs, or leave the column out of keep"
            )


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
