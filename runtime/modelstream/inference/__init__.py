"""Vectorised inference: batches of Flink's rows through a model, each bad record by itself."""

from modelstream.inference.decoder import RecordDecoder
from modelstream.inference.entry import infer
from modelstream.inference.table import Inferred

__all__ = ["Inferred", "RecordDecoder", "infer"]
