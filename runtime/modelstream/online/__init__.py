"""Models that learn from the stream, with their variables in Flink's keyed state."""

from modelstream.online.definition import OnlineModel
from modelstream.online.stream import Learned

__all__ = ["Learned", "OnlineModel"]
