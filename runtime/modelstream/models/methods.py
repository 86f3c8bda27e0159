"""Methods: the standard ways to call a signature, as TensorFlow Serving knows them."""

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass
from math import isnan
from typing import Protocol, runtime_checkable

from modelstream.annotations import check_fields
from modelstream.convert.dtypes import DTYPES, Kind
from modelstream.convert.inputs import Inputs
from modelstream.errors import OptionError, SignatureMismatchError
from modelstream.models.binary import Binary
from modelstream.models.bound import BoundMethod
from modelstream.models.classify import (
    LABEL,
    SCORE,
    TOP_K,
    Classes,
    check_labels,
    check_sources,
    find_outputs,
)
from modelstream.models.feeding import Feeding
from modelstream.models.outputs import check_rows, tensor_columns
from modelstream.models.protocol import Model
from modelstream.models.signature import (
    CLASSIFY,
    DEFAULT_SIGNATURE,
    PREDICT,
    REGRESS,
    Signature,
    find_signature,
    warn_of_state,
)

VALUE = "value"


@runtime_checkable
class Method(Protocol):
    """How a stream calls a model. A method of your own implements this."""

    def bind(self, model: Model) -> BoundMethod:
        """Tie it to a model.

        Raises:
            SignatureNotFoundError: the model lacks the signature.
            SignatureMismatchError: the signature does not fit the method.
        """


class _Named:
    """A method of a signature that has a name."""

    signature: str
    inputs: Inputs | None
    strict: bool

    def __post_init__(self) -> None:
        given: object = self.signature
        if not isinstance(given, str):
            name = type(self).__name__
            raise OptionError(
                f"{name} takes the name of a signature, not {given!r}: everything else "
                f"has a name of its own, such as {name}(inputs={{'tensor': 'column'}})"
            )
        check_fields(self)

    def _fed(self, model: Model, expected: str) -> Feeding:
        """The signature of the model, and what feeds it."""
        signature = find_signature(model.signatures, self.signature, model.name)
        _check_method(signature, expected, self.strict)
        return Feeding.of(signature, self.inputs)


@dataclass(frozen=True)
class Predict(_Named):
    """Any tensors in, any tensors out.

    Examples:
        >>> ms.Predict(inputs={"x": "features"}, outputs={"score": "output_0"})

    Attributes:
        signature: which function of the model.
        inputs: tensor → column, what makes the tensor of a column (Image, TensorColumn), or a
            Constant for all records; a tensor that is not named is fed from the column of its name.
        outputs: column → tensor; None gives every output that has one row a record.
        types: column → Flink SQL type, where the signature does not tell enough: an output of
            unknown rank, strings that are BYTES instead of STRING, dimensions of 1 left out; and
            BIGINT for uint64, where no value is beyond it.
        allow_nan: NaN in a float input is data, not an error.
        strict: refuse a signature whose method name is that of another method. TF2 exports always
            say predict, so this is for TF1 exports and for graphs.
    """

    signature: str = DEFAULT_SIGNATURE
    _: KW_ONLY
    inputs: Inputs | None = None
    outputs: Mapping[str, str] | None = None
    types: Mapping[str, str] | None = None
    allow_nan: bool = False
    strict: bool = False

    def bind(self, model: Model) -> BoundMethod:
        """Tie it to a model."""
        fed = self._fed(model, PREDICT)
        signature = fed.signature
        reader = tensor_columns(signature, self.outputs, self.types or {})
        return BoundMethod.fed(model.name, fed, reader, self.allow_nan)


@dataclass(frozen=True)
class Classify(_Named):
    """The best class of each record, or the best few.

    What it gives, to be named in ``outputs``: ``label`` (STRING: the best class, null when its
    score is below the threshold), ``score`` (FLOAT: of the best class, whatever the threshold) and
    ``top_k`` (MAP<STRING, FLOAT>: label → score of the best classes that reach the threshold, the
    best first; a vectorised function of PyFlink cannot return an array of rows).

    Examples:
        >>> ms.Classify(top_k=3, labels=("cat", "dog", "bird"))

    Attributes:
        signature: which function of the model. Its outputs are ``classes`` and/or ``scores``;
            one float output of any name is enough for a TF2 export. One number a record is the
            probability of the second of two classes where a sigmoid makes it, or where ``labels``
            or ``cut`` says so; ``score`` is then the probability of the label that is given.
        inputs: tensor → column, what makes the tensor of a column (Image, TensorColumn), or a
            Constant for all records; a tensor that is not named is fed from the column of its name.
        outputs: column → label, score or top_k; None gives label and score, and top_k from 2 on.
        top_k: how many classes top_k lists.
        threshold: the score that a class must reach.
        labels: the classes in the order of the scores, where the model does not give them; without
            them the label is the number of the class.
        cut: the probability from which on a record is of the second class, for a model that gives
            one; 0.5 if None.
        allow_nan: NaN in a float input is data, not an error.
        strict: refuse a signature whose method name is that of another method. TF2 exports always
            say predict, so this is for TF1 exports and for graphs.
    """

    signature: str = DEFAULT_SIGNATURE
    _: KW_ONLY
    inputs: Inputs | None = None
    outputs: Mapping[str, str] | None = None
    top_k: int = 1
    threshold: float | None = None
    labels: tuple[str, ...] = ()
    cut: float | None = None
    allow_nan: bool = False
    strict: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.top_k < 1:
            raise OptionError(f"top_k is {self.top_k}; it takes 1 or more")
        if self.threshold is not None and isnan(self.threshold):
            raise OptionError("threshold is NaN, which no score reaches; it takes a number")
        if self.cut is not None and not 0 < self.cut < 1:
            raise OptionError(
                f"cut is {self.cut}; it is a probability between 0 and 1, such as 0.5"
            )

    def bind(self, model: Model) -> BoundMethod:
        """Tie it to a model."""
        fed = self._fed(model, CLASSIFY)
        signature = fed.signature
        classes, scores = find_outputs(signature)
        for name in filter(None, (classes, scores)):
            check_rows(signature, name, "cannot classify")
        sources = self._sources(scores) if self.outputs is None else dict(self.outputs)
        check_sources(sources, scores)
        if scores is None and self.threshold is not None:
            raise SignatureMismatchError(
                f"signature {signature.name!r} gives no scores to hold against the threshold"
            )
        names = () if classes else tuple(self.labels)
        binary = Binary.of(signature, scores, classes, names, self.cut)
        if binary is None:
            check_labels(names, signature, scores)
        reader = Classes(sources, classes, scores, names, self.top_k, self.threshold, binary)
        return BoundMethod.fed(model.name, fed, reader, self.allow_nan)

    def _sources(self, scores: str | None) -> dict[str, str]:
        names = [LABEL] if scores is None else [LABEL, SCORE]
        if self.top_k > 1 and scores is not None:
            names.append(TOP_K)
        return {name: name for name in names}


@dataclass(frozen=True)
class Regress(_Named):
    """One number a record, in the column ``value`` unless ``outputs`` says otherwise.

    Examples:
        >>> ms.infer(houses, model, ms.Regress(inputs={"x": "features"})).scored

    Attributes:
        signature: which function of the model. Its output is ``outputs``, or the only float
            output, with one value a record.
        inputs: tensor → column, what makes the tensor of a column (Image, TensorColumn), or a
            Constant for all records; a tensor that is not named is fed from the column of its name.
        outputs: column → ``value`` (or the output's own name).
        allow_nan: NaN in a float input is data, not an error.
        strict: refuse a signature whose method name is that of another method. TF2 exports always
            say predict, so this is for TF1 exports and for graphs.
    """

    signature: str = DEFAULT_SIGNATURE
    _: KW_ONLY
    inputs: Inputs | None = None
    outputs: Mapping[str, str] | None = None
    allow_nan: bool = False
    strict: bool = False

    def bind(self, model: Model) -> BoundMethod:
        """Tie it to a model."""
        fed = self._fed(model, REGRESS)
        signature = fed.signature
        tensor = _regression_output(signature)
        check_rows(signature, tensor, "cannot regress")
        outputs = {VALUE: VALUE} if self.outputs is None else self.outputs
        sources = {column: tensor if name == VALUE else name for column, name in outputs.items()}
        scalar = DTYPES[signature.outputs[tensor].dtype].sql
        types = {column: scalar for column, name in sources.items() if name == tensor}
        reader = tensor_columns(signature, sources, types)
        return BoundMethod.fed(model.name, fed, reader, self.allow_nan)


def method_for(signature: Signature) -> Method:
    """The method that the exporter meant, by the signature's method name.

    TF2 exports always say predict; Predict it is then, and everything else is a choice.
    """
    match signature.method_name:
        case name if name == CLASSIFY:
            return Classify(signature.name)
        case name if name == REGRESS:
            return Regress(signature.name)
        case _:
            return Predict(signature.name)


def _check_method(signature: Signature, expected: str, strict: bool) -> None:
    if strict and signature.method_name != expected:
        raise SignatureMismatchError(
            f"signature {signature.name!r} has the method name {signature.method_name!r}, not "
            f"{expected!r}: choose its method, or leave strict out"
        )
    warn_of_state(signature)


def _regression_output(signature: Signature) -> str:
    names = [
        name
        for name, spec in signature.outputs.items()
        if spec.dtype in DTYPES
        and DTYPES[spec.dtype].kind is Kind.FLOAT
        and (spec.record_shape is None or all(size == 1 for size in spec.record_shape))
        and spec.shape != ()
    ]
    if "outputs" in names:
        return "outputs"
    if len(names) == 1:
        return names[0]
    raise SignatureMismatchError(
        f"signature {signature.name!r} cannot regress: it takes an output 'outputs', or one float "
        f"output with one value a record; this one gives "
        f"{', '.join(f'{name}: {spec}' for name, spec in signature.outputs.items())}"
    )
