"""Models that learn from the stream, with their weights in Flink's keyed state."""

from typing import TYPE_CHECKING

from modelstream.exports import exports

if TYPE_CHECKING:
    from modelstream.online.definition import OnlineModel
    from modelstream.online.stream import Learned

_HOMES = {"Learned": "online.stream", "OnlineModel": "online.definition"}

__all__ = ["Learned", "OnlineModel"]

__getattr__ = exports(__name__, _HOMES)
