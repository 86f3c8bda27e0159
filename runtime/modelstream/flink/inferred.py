"""What comes out of a model over a table or a stream."""

from dataclasses import dataclass
from typing import Any

from modelstream.flink.route import Choice


@dataclass(frozen=True)
class Inferred:
    """What comes out of `infer`: tables for a table, streams for a DataStream.

    Attributes:
        scored: the kept columns, then the model's.
        dead_letters: the columns of `DEAD_LETTER_COLUMNS`; None unless ``on_error`` is DeadLetter.
            Of a table, insert both in one StatementSet: the model runs once.
        choice: how the records reach the model, and why.
    """

    scored: Any
    dead_letters: Any
    choice: Choice
