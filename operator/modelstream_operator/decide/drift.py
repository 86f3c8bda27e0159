"""Whether a child is as it was applied, so that a restarted operator need not apply it again."""

from typing import Any

from modelstream_operator.names import ANNOTATION_APPLIED
from modelstream_operator.resources import Manifest


def is_as_applied(desired: Manifest, live: Manifest) -> bool:
    """Whether the live object carries the hash of ``desired`` and every value of it.

    Values that the API server spells otherwise count as different: the price is one apply that
    changes nothing.
    """
    signature = desired["metadata"]["annotations"][ANNOTATION_APPLIED]
    there = live["metadata"].get("annotations", {}).get(ANNOTATION_APPLIED)
    return signature == there and _holds(desired, live)


def _holds(desired: Any, live: Any) -> bool:
    """Whether ``live`` has at least what ``desired`` has; lists item by item."""
    match desired, live:
        case dict(), dict():
            return all(key in live and _holds(value, live[key]) for key, value in desired.items())
        case list(), list():
            pairs = zip(desired, live, strict=False)
            return len(desired) == len(live) and all(_holds(one, two) for one, two in pairs)
    return bool(desired == live) or (not desired and live is None)
