"""A pattern as the user states it: which events, in which order, how close, how soon."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Any, TypeAlias

from modelstream.annotations import check_fields, checked
from modelstream.arguments import MILLISECOND, check_duration
from modelstream.errors import OptionError, RecordFailedError

if TYPE_CHECKING:
    from pyflink.datastream import DataStream

Condition: TypeAlias = Callable[[Any], object]
"""Whether an event will do: what it returns is taken as true or false."""


class Contiguity(Enum):
    """What may stand between an event and the one before it in the pattern."""

    STRICT = "next"
    """Nothing: another event of the key ends the attempt."""
    RELAXED = "followed by"
    """Any events that will not do: the first that does is taken."""


class AfterMatch(Enum):
    """Where the search goes on after a match, in the words of MATCH_RECOGNIZE."""

    SKIP_PAST_LAST_EVENT = "skip past last row"
    """Behind the last event of the match: an event is in one match at most."""
    SKIP_TO_NEXT_EVENT = "skip to next row"
    """Behind the first event of the match: matches may overlap, each begins with an own event."""


@dataclass(frozen=True)
class Element:
    """One event of a pattern.

    Attributes:
        name: what the event is called in ``Match.events``.
        condition: event → whether it will do.
        contiguity: what may stand between the event before and this one.
    """

    name: str
    condition: Condition
    contiguity: Contiguity = Contiguity.RELAXED

    def __post_init__(self) -> None:
        check_fields(self)

    def holds(self, event: Any) -> bool:
        """Whether the event will do.

        Raises:
            RecordFailedError: the condition raised.
        """
        try:
            return bool(self.condition(event))
        except Exception as error:
            raise RecordFailedError(
                f"the condition of {self.name!r} failed on {event!r}: "
                f"{type(error).__name__}: {error}; let it return False for events that it does "
                f"not know"
            ) from error


@dataclass(frozen=True)
class Detected:
    """What a pattern found, as streams of Python objects.

    A record of ``matched`` and ``timed_out`` has the event time of its ``end``.

    Attributes:
        matched: a ``Match`` for each complete pattern.
        timed_out: a ``TimedOut`` for each attempt that ran out of time.
        late: events behind the watermark, or behind what their key had seen before a restart, as
            they came; they took no part.
    """

    matched: "DataStream"
    timed_out: "DataStream"
    late: "DataStream"


@dataclass(frozen=True, init=False)
class Pattern:
    """Events of one key that come one after the other in event time.

    Every event that meets the first condition begins an attempt, which ends in one of four ways:
    it matches; it times out; an event breaks it that ``next`` does not allow; or, with
    ``SKIP_PAST_LAST_EVENT``, the match of an earlier attempt covers it.

    Events with the same time are taken in the order in which they came.

    Examples:
        >>> first = ms.Pattern("login", lambda event: event["kind"] == "login")
        >>> second = first.followed_by("payment", lambda event: event["amount"] > 1000)
        >>> print(second.within(timedelta(minutes=5)))
        login followed by payment

    Args:
        name: what the first event is called in ``Match.events``.
        condition: event → whether it will do; as in ``followed_by`` and ``next``.
        after_match: where the search goes on.

    Attributes:
        elements: what is looked for, in order.
        limit: how long after its first event an attempt ends, in milliseconds; an event exactly
            then is too late. None: never.
    """

    elements: tuple[Element, ...]
    limit: int | None
    after_match: AfterMatch

    @checked()
    def __init__(
        self,
        name: str,
        condition: Condition,
        *,
        after_match: AfterMatch = AfterMatch.SKIP_PAST_LAST_EVENT,
    ) -> None:
        object.__setattr__(self, "elements", (Element(name, condition),))
        object.__setattr__(self, "limit", None)
        object.__setattr__(self, "after_match", after_match)

    def followed_by(self, name: str, condition: Condition) -> "Pattern":
        """Then, sooner or later, an event that meets the condition; those between do not matter."""
        return self._then(Element(name, condition, Contiguity.RELAXED))

    def next(self, name: str, condition: Condition) -> "Pattern":
        """Then, as the very next event of the key, one that meets the condition."""
        return self._then(Element(name, condition, Contiguity.STRICT))

    def within(self, limit: timedelta) -> "Pattern":
        """All of it in less than this time; what is not complete by then times out.

        Raises:
            OptionError: it is not a timedelta, or less than a millisecond.
        """
        check_duration("within", limit)
        return self._with("limit", limit // MILLISECOND)

    def __str__(self) -> str:
        words = [self.elements[0].name]
        for element in self.elements[1:]:
            words += [element.contiguity.value, element.name]
        return " ".join(words)

    def _then(self, element: Element) -> "Pattern":
        if any(element.name == other.name for other in self.elements):
            raise OptionError(f"two events of the pattern have the name {element.name!r}")
        return self._with("elements", (*self.elements, element))

    def _with(self, attribute: str, value: object) -> "Pattern":
        changed = object.__new__(Pattern)
        for name, old in vars(self).items():
            object.__setattr__(changed, name, value if name == attribute else old)
        return changed
