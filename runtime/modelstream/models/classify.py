"""Classification: the best classes of each record, by score."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.convert.dtypes import DTYPES, Kind
from modelstream.convert.flinktypes import ColumnType
from modelstream.errors import BrokenModelError, ConversionError, SignatureMismatchError
from modelstream.messages import listed, suggestion
from modelstream.models.binary import Binary, gives_one
from modelstream.models.bound import Columns
from modelstream.models.protocol import Tensors
from modelstream.models.signature import Signature

Array = npt.NDArray[Any]
LABEL, SCORE, TOP_K = "label", "score", "top_k"
TYPES = {LABEL: "STRING", SCORE: "FLOAT", TOP_K: "MAP<STRING, FLOAT>"}


@dataclass(frozen=True)
class Classes:
    """A reader that ranks the classes of each record.

    Attributes:
        sources: column → ``label``, ``score`` or ``top_k``.
        classes: the output with the labels (string, one a class), if the model gives them.
        scores: the output with the scores (float, one a class), if the model gives them.
        labels: the labels in the order of the scores, where the model gives none.
        top_k: how many classes ``top_k`` lists.
        threshold: a class with a lower score is left out; the label is null when none is left.
        binary: what makes two classes of one probability a record, where the scores are that.
    """

    sources: Mapping[str, str]
    classes: str | None
    scores: str | None
    labels: tuple[str, ...] = field(default=(), repr=False)
    top_k: int = 1
    threshold: float | None = None
    binary: Binary | None = None

    @property
    def tensors(self) -> tuple[str, ...]:
        """The outputs that it reads."""
        return tuple(name for name in (self.classes, self.scores) if name is not None)

    @property
    def columns(self) -> tuple[ColumnType, ...]:
        """The columns that it makes."""
        return tuple(ColumnType(column, TYPES[name]) for column, name in self.sources.items())

    def read(self, tensors: Tensors) -> Columns:
        """The output columns, one value a record; the best class first, ties in class order."""
        scores = None if self.scores is None else self._scores(tensors[self.scores])
        names = None if self.classes is None else _rows(tensors[self.classes])
        if names is not None and scores is not None and names.shape != scores.shape:
            raise BrokenModelError(
                f"the model gave {names.shape[1]} classes and {scores.shape[1]} scores a record: "
                f"it is at fault and not the record. Name its outputs with Predict"
            )
        if self.labels and scores is not None and scores.shape[1] != len(self.labels):
            raise BrokenModelError(
                f"output {self.scores!r} scores {scores.shape[1]} classes, and "
                f"{len(self.labels)} labels were given: give one for each class"
            )
        best = self._ranked(scores, names)
        labels = self._labels(names, best)
        picked = None if scores is None else np.take_along_axis(scores, best, axis=1)
        made = self._columns(labels, picked)
        return {column: made[name] for column, name in self.sources.items()}

    def _scores(self, given: Array) -> Array:
        scores = _rows(given)
        if self.classes is not None or scores.shape[1] != 1:
            return scores
        if self.binary is None:
            raise BrokenModelError(
                f"output {self.scores!r} gave one score a record, and not one for each class: use "
                f"Predict, or state the output's shape, so that it can be taken for the "
                f"probability of the second of two classes"
            )
        return self.binary.scores(scores)

    def _ranked(self, scores: Array | None, names: Array | None) -> Array:
        """The class numbers of each record, the best first."""
        if scores is None:
            assert names is not None
            return np.zeros((len(names), 1), np.intp)
        _check_numbers(scores)
        if self.binary is not None and scores.shape[1] == 2:
            return self.binary.ranked(scores)[:, : self.top_k]
        return _best(scores, self.top_k)

    def _labels(self, names: Array | None, best: Array) -> list[list[str]]:
        if names is not None:
            return [
                [_text(name) for name in row]
                for row in np.take_along_axis(names, best, axis=1).tolist()
            ]
        if self.labels:
            return [[self.labels[index] for index in row] for row in best.tolist()]
        return [[str(index) for index in row] for row in best.tolist()]

    def _columns(self, labels: list[list[str]], scores: Array | None) -> dict[str, Any]:
        if scores is None:
            return {LABEL: [row[0] for row in labels]}
        floor = -np.inf if self.threshold is None else self.threshold
        scores = scores.astype(np.float32)
        reached = (scores >= np.float32(floor)).tolist()
        return {
            LABEL: [row[0] if kept[0] else None for row, kept in zip(labels, reached, strict=True)],
            SCORE: scores[:, 0],
            TOP_K: [_ranking(*row) for row in zip(labels, scores.tolist(), reached, strict=True)],
        }


def _ranking(labels: list[str], scores: list[float], reached: list[bool]) -> dict[str, float]:
    ranking: dict[str, float] = {}
    for label, score, reaches in zip(labels, scores, reached, strict=True):
        if reaches:
            ranking.setdefault(label, score)
    return ranking


def find_outputs(signature: Signature) -> tuple[str | None, str | None]:
    """The outputs with the labels and with the scores, as TensorFlow Serving names them.

    A TF2 export that gives only one float output per class may name that as it likes.

    Raises:
        SignatureMismatchError: there is neither.
    """
    scores = _scores(signature)
    classes = _classes(signature, scores)
    if classes is None and scores is None:
        raise SignatureMismatchError(
            f"signature {signature.name!r} cannot classify: it takes outputs 'classes' (string) "
            f"and/or 'scores' (float), one value a class; this one gives "
            f"{', '.join(f'{name}: {spec}' for name, spec in signature.outputs.items())}"
        )
    return classes, scores


def check_labels(labels: tuple[str, ...], signature: Signature, scores: str | None) -> None:
    """Refuse labels that are fewer or more than the model has classes.

    Raises:
        SignatureMismatchError: tells both numbers.
    """
    size = _size(signature, scores)
    if labels and size is not None and size != len(labels):
        raise SignatureMismatchError(
            f"{len(labels)} labels were given; output {scores!r} of signature "
            f"{signature.name!r} scores {size} classes"
        )


def _scores(signature: Signature) -> str | None:
    names = _one_per_class(signature, Kind.FLOAT) or _one_per_record(signature)
    for preferred in ("scores", "probabilities"):
        if preferred in names:
            return preferred
    return names[0] if len(names) == 1 else None


def _classes(signature: Signature, scores: str | None) -> str | None:
    """The labels of all classes; an Estimator's predict gives the best one only as ``classes``."""
    names = _one_per_class(signature, Kind.STRING)
    size = _size(signature, scores)
    for preferred in ("classes", "all_classes"):
        if preferred in names and size in {None, _size(signature, preferred)}:
            return preferred
    return None


def _one_per_class(signature: Signature, kind: Kind) -> list[str]:
    return [
        name
        for name, spec in signature.outputs.items()
        if spec.dtype in DTYPES and DTYPES[spec.dtype].kind is kind and spec.rank in {None, 2}
    ]


def _one_per_record(signature: Signature) -> list[str]:
    """The outputs with one number a record, of another rank than a matrix."""
    return [
        name
        for name, spec in signature.outputs.items()
        if spec.dtype in DTYPES
        and DTYPES[spec.dtype].kind is Kind.FLOAT
        and spec.shape != ()
        and gives_one(signature, name)
    ]


def _size(signature: Signature, output: str | None) -> int | None:
    shape = None if output is None else signature.outputs[output].record_shape
    return shape[0] if shape else None


def check_sources(sources: Mapping[str, str], scores: str | None) -> None:
    """Refuse virtual tensors that classification does not have.

    Raises:
        SignatureMismatchError: names those that it has.
    """
    available = TYPES if scores is not None else {LABEL: TYPES[LABEL]}
    for column, name in sources.items():
        if name not in available:
            raise SignatureMismatchError(
                f"column {column!r} is to come from {name!r}{suggestion(name, available)}; "
                f"this classification gives {listed(available)}"
            )


def _rows(array: Array) -> Array:
    return array if array.ndim == 2 else array.reshape(len(array), math.prod(array.shape[1:]))


def _check_numbers(scores: Array) -> None:
    if np.isnan(scores).any():
        index = int(np.isnan(scores).any(axis=1).argmax())
        raise ConversionError(f"record {index}: the model gave NaN as a score", index)


def _best(scores: Array, top_k: int) -> Array:
    if top_k == 1:
        return np.asarray(np.argmax(scores, axis=1, keepdims=True))
    return np.argsort(-scores, axis=1, kind="stable")[:, :top_k]


@lru_cache(maxsize=65536)
def _text(name: bytes | str) -> str:
    return name.decode(errors="replace") if isinstance(name, bytes) else name
