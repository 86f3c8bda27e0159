"""What becomes of records that a model refuses."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelstream.failure import Failure


@dataclass(frozen=True)
class Refused:
    """A record that was not scored, or not learned from, and why."""

    values: Mapping[str, Any]
    failure: Failure
