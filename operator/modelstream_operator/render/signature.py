"""A short hash of a JSON value."""

import hashlib
import json


def digest(value: object) -> str:
    """Equal for equal values, whatever the order of their keys."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
