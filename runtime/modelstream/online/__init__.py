"""Models that learn from the stream, with their weights in Flink's keyed state."""

from typing import TYPE_CHECKING

from modelstream.exports import exports

if TYPE_CHECKING:
    from modelstream.online.definition import OnlineModel
    from modelstream.online.stream import Learned, decode_weights, export, infer_with_weights, learn

_HOMES = {
    "Learned": "online.stream",
    "OnlineModel": "online.definition",
    "decode_weights": "online.stream",
    "export": "online.stream",
    "infer_with_weights": "online.stream",
    "learn": "online.stream",
}

__all__ = ["Learned", "OnlineModel", "decode_weights", "export", "infer_with_weights", "learn"]

__getattr__ = exports(__name__, _HOMES)
