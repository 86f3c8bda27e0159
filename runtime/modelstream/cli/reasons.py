"""Why records were not scored: how often each reason came, and an example of it."""

import re
from dataclasses import dataclass, field

from modelstream.messages import text

MOST = 3
_LONGEST = 200
_VALUE = re.compile(r"(?<!column )(?<!field )(?<!input )('[^']*'|\"[^\"]*\")|[-+]?\d[\d.,:e+-]*")


@dataclass
class Reason:
    """One reason.

    Attributes:
        count: of the records.
        message: what the first of them was told.
        example: where that one stands, or what it is.
    """

    count: int
    message: str
    example: str

    def __str__(self) -> str:
        such = f"; such as {_cut(self.example)}" if self.example else ""
        return f"{self.count:,} times {_cut(self.message)}{such}"


@dataclass
class Reasons:
    """Reasons by what they have in common: the values in a message do not make it another one."""

    found: dict[str, Reason] = field(default_factory=dict)

    def add(self, message: str, example: str = "", count: int = 1) -> None:
        """Count one more record, or several."""
        known = self.found.setdefault(_VALUE.sub("…", message), Reason(0, message, example))
        known.count += count

    def lines(self, most: int = MOST) -> list[str]:
        """The most frequent ones, a line each, and how many others there were."""
        ordered = sorted(self.found.values(), key=lambda reason: -reason.count)
        others = sum(reason.count for reason in ordered[most:])
        more = [f"{others:,} times one of {len(ordered) - most} other reasons"] if others else []
        return [*map(str, ordered[:most]), *more]


def _cut(said: str) -> str:
    line = " ".join(text(said).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
