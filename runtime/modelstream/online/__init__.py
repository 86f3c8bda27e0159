"""Models that learn from the stream, or remember it, with their tensors in Flink's keyed state."""

from typing import TYPE_CHECKING

from modelstream.exports import exports

if TYPE_CHECKING:
    from modelstream.online.definition import OnlineModel
    from modelstream.online.hidden import HiddenState
    from modelstream.online.sequence import SequenceModel
    from modelstream.online.stream import Learned

_HOMES = {
    "HiddenState": "online.hidden",
    "Learned": "online.stream",
    "OnlineModel": "online.definition",
    "SequenceModel": "online.sequence",
}

__all__ = ["HiddenState", "Learned", "OnlineModel", "SequenceModel"]

__getattr__ = exports(__name__, _HOMES)
