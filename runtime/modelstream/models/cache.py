"""One copy of a model in a process, however many functions use it."""

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Generic, Protocol, TypeVar


class _Closeable(Protocol):
    def close(self) -> None: ...


T = TypeVar("T", bound=_Closeable)


@dataclass
class _Entry(Generic[T]):
    loading: Lock = field(default_factory=Lock)
    users: int = 0
    model: T | None = None


class ModelCache(Generic[T]):
    """Loads on the first use, shares, and closes after the last use.

    Functions open concurrently (Flink runs the subtasks of a local job as threads): whoever comes
    second waits for the first one's load. Models with different keys load at the same time.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._entries: dict[Hashable, _Entry[T]] = {}

    @contextmanager
    def lease(self, key: Hashable, load: Callable[[], T]) -> Iterator[T]:
        """The model under that key, for as long as the context lasts."""
        entry = self._join(key)
        try:
            with entry.loading:
                if entry.model is None:
                    entry.model = load()
            yield entry.model
        finally:
            self._leave(key, entry)

    def __len__(self) -> int:
        return len(self._entries)

    def _join(self, key: Hashable) -> _Entry[T]:
        with self._lock:
            entry = self._entries.setdefault(key, _Entry())
            entry.users += 1
            return entry

    def _leave(self, key: Hashable, entry: _Entry[T]) -> None:
        with self._lock:
            entry.users -= 1
            if entry.users:
                return
            del self._entries[key]
        if entry.model is not None:
            entry.model.close()
