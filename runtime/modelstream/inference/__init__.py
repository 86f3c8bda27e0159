"""Vectorised inference: batches of Flink's rows through a model, each bad record by itself."""

from typing import TYPE_CHECKING

from modelstream.exports import exports

if TYPE_CHECKING:
    from modelstream.inference.decoder import RecordDecoder
    from modelstream.inference.entry import infer
    from modelstream.inference.table import Inferred

_HOMES = {
    "Inferred": "inference.table",
    "RecordDecoder": "inference.decoder",
    "infer": "inference.entry",
}

__all__ = ["Inferred", "RecordDecoder", "infer"]

__getattr__ = exports(__name__, _HOMES)
