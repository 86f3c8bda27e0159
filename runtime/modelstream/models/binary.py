"""Two classes out of one number: the probability of the second."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.errors import BrokenModelError, SignatureMismatchError
from modelstream.models.signature import Signature

Array = npt.NDArray[Any]

_TOLERANCE = 1e-6
"""How far beyond 0 and 1 rounding may bring a probability."""


@dataclass(frozen=True)
class Binary:
    """How one probability a record becomes one of two classes.

    Attributes:
        output: the tensor that gives it, for messages.
        cut: from which probability on the record is of the second class.
    """

    output: str
    cut: float = 0.5

    @classmethod
    def of(
        cls,
        signature: Signature,
        scores: str | None,
        classes: str | None,
        labels: Sequence[str],
        cut: float | None,
    ) -> "Binary | None":
        """What a signature's scores are, where they are one probability a record; else None.

        Args:
            signature: the function that runs.
            scores: its output with the scores.
            classes: its output with the classes, if there is one.
            labels: the classes that the user gives.
            cut: the probability that the user gives.

        Raises:
            SignatureMismatchError: it gives one number and nothing tells that it is a probability,
                or it gives several and there is a cut.
        """
        if scores is None or classes is not None or gives_one(signature, scores) is False:
            if cut is None:
                return None
            raise SignatureMismatchError(
                f"cut is for a model that gives one probability a record; signature "
                f"{signature.name!r} gives one score a class: leave cut out"
            )
        if gives_one(signature, scores) is None and len(labels) != 2 and cut is None:
            return None  # how many it gives is seen when it runs
        told = f"output {scores!r} of signature {signature.name!r} ({signature.outputs[scores]})"
        if labels and len(labels) != 2:
            raise SignatureMismatchError(
                f"{len(labels)} labels were given; {told} is one number a record, the probability "
                f"of the second of two classes: give two labels"
            )
        if labels or cut is not None or scores in signature.probabilities:
            return cls(scores, 0.5 if cut is None else cut)
        raise SignatureMismatchError(
            f"{told} is one number a record, and nothing tells that it is a probability: give two "
            f"labels (classify.labels), the second for the records above 0.5, or a cut "
            f"(classify.cut: 0.5) if it is the probability of the second of two classes; otherwise "
            f"use Predict"
        )

    def scores(self, given: Array) -> Array:
        """The probabilities of both classes of each record, as they are given; NaN stays NaN.

        Args:
            given: one probability a record.

        Raises:
            BrokenModelError: a number is not a probability.
        """
        second = given.reshape(len(given), 1).astype(np.float64)
        wrong = (second < -_TOLERANCE) | (second > 1 + _TOLERANCE)
        if wrong.any():
            raise BrokenModelError(
                f"output {self.output!r} gave {second[wrong][0]:g}, which is not a probability: "
                f"the model is at fault and not the record. Put a sigmoid behind its last layer, "
                f"or use Predict"
            )
        second = np.clip(second, 0, 1)
        both: Array = np.concatenate([1 - second, second], axis=1)
        return both.astype(np.float32)

    def ranked(self, scores: Array) -> Array:
        """The numbers of both classes of each record, the one that is given first."""
        given = (scores[:, 1] >= np.float32(self.cut)).astype(np.intp)
        return np.stack([given, 1 - given], axis=1)


def gives_one(signature: Signature, output: str) -> bool | None:
    """Whether an output is one number a record; None where the signature does not tell."""
    shape = signature.outputs[output].record_shape
    if shape is not None and any(size not in (1, None) for size in shape):
        return False
    return None if shape is None or None in shape else True
