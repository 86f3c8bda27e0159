"""Signatures: the functions that a model offers, and what they take and give."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from modelstream.convert.spec import TensorSpec
from modelstream.errors import SignatureNotFoundError

DEFAULT_SIGNATURE = "serving_default"
"""The function that is meant where none is named; TensorFlow's exporters call it so."""

PREDICT = "tensorflow/serving/predict"
CLASSIFY = "tensorflow/serving/classify"
REGRESS = "tensorflow/serving/regress"


@dataclass(frozen=True)
class Signature:
    """One function of a model.

    Attributes:
        name: its key in the model, e.g. ``serving_default``.
        method_name: what kind of function the exporter said it is. TF2 exports always say predict.
        inputs: the tensors that it takes, by name.
        outputs: the tensors that it gives, by name.
        stateful: a call changes variables of the model. Each worker then has variables of its own,
            which no checkpoint of Flink holds.
        parts: ragged input → the plain tensors that a TF2 export has in its place: the flat values,
            then the row splits, the outermost first.
    """

    name: str
    method_name: str
    inputs: Mapping[str, TensorSpec]
    outputs: Mapping[str, TensorSpec]
    stateful: bool = False
    parts: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.name}({_specs(self.inputs)}) -> ({_specs(self.outputs)})"


def find_signature(signatures: Mapping[str, Signature], name: str, model: str) -> Signature:
    """The signature of that name.

    Raises:
        SignatureNotFoundError: there is none; says which exist.
    """
    try:
        return signatures[name]
    except KeyError:
        raise SignatureNotFoundError(
            f"model {model!r} has no signature {name!r}{suggestion(name, signatures)}; "
            f"it has {listed(signatures)}"
        ) from None


def suggestion(name: str, candidates: Iterable[str]) -> str:
    """A did-you-mean for a message, or nothing."""
    close = get_close_matches(name, list(candidates), n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


def listed(names: Iterable[str]) -> str:
    """Names for a message: sorted and quoted, or the word none."""
    return ", ".join(repr(name) for name in sorted(names)) or "none"


def _specs(specs: Mapping[str, TensorSpec]) -> str:
    return ", ".join(f"{name}: {spec}" for name, spec in specs.items())
