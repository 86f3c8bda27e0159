"""Which models have counted the record that a function works on.

A function of the user may raise before it calls a model, or after. Only in the second case is the
record among those that came to the model.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TypeAlias

Counted: TypeAlias = list[str]

_current: ContextVar[Counted | None] = ContextVar("modelstream_counted", default=None)


@contextmanager
def counting() -> Iterator[Counted]:
    """The names of the models that count a record while the context lasts, also awaited ones."""
    names: Counted = []
    token = _current.set(names)
    try:
        yield names
    finally:
        _current.reset(token)


def count(model: str) -> None:
    """The model has counted the record, whichever it is."""
    if (names := _current.get()) is not None:
        names.append(model)
