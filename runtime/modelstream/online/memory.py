"""What one key has learned, as it lies in Flink's state."""

import pickle
import weakref
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from modelstream.convert import codec
from modelstream.errors import StateError
from modelstream.online.examples import Example, Tensors, stacked

Array = npt.NDArray[Any]

_COUNTERS = 9


@dataclass(frozen=True)
class Fingerprint:
    """Which model weights are of: those of another one may have the same shapes.

    Attributes:
        variables: how many of the weights are the model's; the optimizer's follow.
        names: a hash of the names of the model's variables.
        optimizer: a hash of the optimizer's name; None for weights without the optimizer's.
    """

    variables: int
    names: int
    optimizer: int | None


class Seat(Protocol):
    """Where weights are while a model works with them."""

    def read(self) -> list[Array]:
        """Copy them out."""


class Weights:
    """The variables of a model and the slots of its optimizer, of one key.

    They sit in the model's own variables while records of the key come, and are read from there
    when Flink or another key needs them, not after every update.
    """

    def __init__(self, arrays: Sequence[Array]) -> None:
        self._arrays = list(arrays)
        # Weak, because Flink measures how large its cache is: it follows every strong reference,
        # which would lead through the model into TensorFlow, once a bundle.
        self._seat: weakref.ref[Seat] | None = None

    @property
    def arrays(self) -> list[Array]:
        """As they are now.

        Raises:
            StateError: the model that they sit in is gone.
        """
        if self._seat is not None:
            seat, self._seat = self._seat(), None
            if seat is None:
                raise StateError("the weights sat in a model that has been closed")
            self._arrays = seat.read()
        return self._arrays

    def changed(self, seat: Seat) -> None:
        """They are in the seat, and what was read before is old."""
        self._seat = weakref.ref(seat)


@dataclass
class Memory:
    """All that is kept of one key.

    Flink keeps it as bytes. They are made when Flink asks: once a bundle and before each
    checkpoint, however many updates came between, because what Flink is given is this object,
    which pickles as its bytes.

    Attributes:
        weights: the variables, then the optimizer's.
        fingerprint: which weights these are.
        pending: records that wait for their batch, in their order.
        updates: how often the weights have changed.
        records: how many records they have learned from.
        refused: records without a finite loss since the last one that had one.
    """

    weights: Weights
    fingerprint: Fingerprint
    pending: list[Example] = field(default_factory=list)
    updates: int = 0
    records: int = 0
    refused: int = 0

    def __reduce__(self) -> tuple[type[bytes], tuple[bytes]]:
        return bytes, (self.to_bytes(),)

    @property
    def waits(self) -> bool:
        """Whether records have not been scored."""
        return bool(self.pending) and self.pending[-1].waiting is not None

    @property
    def unscored(self) -> list[int]:
        """Where the records that have not been scored stand: they are the last ones."""
        first = len(self.pending)
        while first and self.pending[first - 1].waiting is not None:
            first -= 1
        return list(range(first, len(self.pending)))

    def to_bytes(self) -> bytes:
        """The state of the key, versioned."""
        weights, fingerprint = self.weights.arrays, self.fingerprint
        inputs = _columns([example.inputs for example in self.pending])
        labels = _columns([example.labels for example in self.pending])
        counters = np.array(
            [
                *(
                    self.updates,
                    self.records,
                    self.refused,
                    fingerprint.variables,
                    fingerprint.optimizer,
                ),
                *(len(weights), len(inputs), len(labels), len(self.pending)),
            ],
            np.int64,
        )
        waiting = [example.waiting for example in self.pending]
        blob = pickle.dumps(([*inputs], [*labels], waiting), protocol=4) if waiting else b""
        columns = [*inputs.values(), *labels.values(), np.frombuffer(blob, np.uint8)]
        return codec.encode([counters, *weights, *columns], fingerprint.names)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Memory":
        """What ``to_bytes`` wrote.

        Raises:
            StateError: this is not the state of an online model.
        """
        counters, *arrays = codec.decode(data)
        if counters.shape != (_COUNTERS,) or len(arrays) != int(counters[5:8].sum()) + 1:
            raise StateError(f"the state has {len(arrays)} arrays, which is not what it says")
        updates, records, refused, variables, optimizer, weights, *_, pending = counters.tolist()
        fingerprint = Fingerprint(variables, codec.encoded_names(data), optimizer)
        examples = _examples(arrays[weights:]) if pending else []
        return cls(Weights(arrays[:weights]), fingerprint, examples, updates, records, refused)

    def published(self) -> bytes:
        """The model's variables, without the optimizer's, as bytes."""
        fingerprint = self.fingerprint
        return codec.encode(self.weights.arrays[: fingerprint.variables], fingerprint.names)

    @classmethod
    def from_published(cls, data: bytes, updates: int = 0) -> "Memory":
        """What ``published`` wrote, to score with.

        Raises:
            StateError: these are not weights.
        """
        arrays = codec.decode(data)
        fingerprint = Fingerprint(len(arrays), codec.encoded_names(data), None)
        return cls(Weights(arrays), fingerprint, updates=updates)


def _columns(tensors: Sequence[Tensors]) -> Tensors:
    return stacked(tensors, tensors[0]) if tensors else {}


def _examples(arrays: Sequence[Array]) -> list[Example]:
    """The records that wait, of the tensors that they have become and of all the rest."""
    *columns, blob = arrays
    inputs, labels, waiting = pickle.loads(blob.tobytes())
    records = [*zip(*columns, strict=True)]
    return [
        Example(
            dict(zip(inputs, record[: len(inputs)], strict=True)),
            dict(zip(labels, record[len(inputs) :], strict=True)),
            kept,
        )
        for record, kept in zip(records, waiting, strict=True)
    ]
