"""What comes of a record that a model learns from."""

from dataclasses import dataclass, field
from typing import Any

from modelstream.scoring.settle import Refused


@dataclass(frozen=True)
class Scored:
    """One record with its score.

    Attributes:
        kept: the fields that go on.
        outputs: what the model gave, one value an output.
        loss: of this record before it was learned from; None without a label.
        updates: how many updates the weights had.
    """

    kept: tuple[Any, ...]
    outputs: tuple[Any, ...]
    loss: float | None
    updates: int


@dataclass
class Results:
    """What comes of a record, of it and of those that waited with it.

    Attributes:
        scored: in their order.
        refused: records that the model cannot score, or cannot learn from.
        updated: the weights have changed.
    """

    scored: list[Scored] = field(default_factory=list)
    refused: list[Refused] = field(default_factory=list)
    updated: bool = False
