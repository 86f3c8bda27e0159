"""Models that learn from the stream, or remember it, with their tensors in Flink's keyed state."""

from modelstream.online.definition import OnlineModel
from modelstream.online.hidden import HiddenState
from modelstream.online.sequence import SequenceModel
from modelstream.online.stream import Learned

__all__ = ["HiddenState", "Learned", "OnlineModel", "SequenceModel"]
