"""Any value as text, for messages and dead letters: making it never fails."""

from collections.abc import Callable, Iterable
from difflib import get_close_matches
from typing import Any

_LONGEST = 200


def text(value: Any) -> str:
    """What ``str`` says of a value; its class where that raises. UTF-8 can encode it."""
    return _said(str, value)


def excerpt(value: Any, longest: int = _LONGEST) -> str:
    """How Python writes a value, cut off; an array as the list of its elements."""
    said = _said(lambda each: repr(each.tolist() if hasattr(each, "tolist") else each), value)
    return said if len(said) <= longest else f"{said[:longest]}…"


def _said(say: Callable[[Any], str], value: Any) -> str:
    try:
        said = say(value)
    except Exception:  # whatever the value's own class raises
        said = f"<{type(value).__name__}>"
    return said.encode(errors="backslashreplace").decode()


def suggestion(name: str, candidates: Iterable[str]) -> str:
    """A did-you-mean for a message, or nothing."""
    known = list(candidates)
    same = [each for each in known if each.casefold() == name.casefold()]
    close = same or get_close_matches(name, known, n=1, cutoff=0.6)
    return f" (did you mean {close[0]!r}?)" if close else ""


def listed(names: Iterable[str]) -> str:
    """Names for a message: sorted and quoted, or the word none."""
    return ", ".join(repr(name) for name in sorted(names)) or "none"


def short(value: Any) -> str:
    """A value for a message."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
