"""Records whose format is decoded here, beside the model, so that a bad one costs itself only."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from modelstream.errors import RecordError
from modelstream.models import ColumnType


class RecordDecoder(Protocol):
    """Makes columns of raw records. Picklable; it runs in the Python function of the model."""

    @property
    def columns(self) -> tuple[ColumnType, ...]:
        """What it gives, with Flink SQL types."""

    def decode(self, payloads: Sequence[bytes | None]) -> Sequence[Mapping[str, Any] | RecordError]:
        """One batch: for each record its columns, or why it has none. Never raises."""
