"""The planner's thread: what one thread of Python asks of the JVM, one thread of the JVM does."""

import threading
from collections import deque
from typing import Any


class Connections(deque[Any]):
    """The idle connections of a py4j gateway; those of the thread that made this stay its own.

    A connection is a thread of the JVM, and Flink's planner works in the thread alone that made the
    table environment: in another one a statement ends in a NullPointerException about
    `metadataHandlerProvider`. Python frees objects of the JVM in whichever thread collects garbage,
    those of embedded workers too, and py4j would then exchange connections between threads.
    """

    def __init__(self, idle: "deque[Any]") -> None:
        super().__init__()
        self._owner = threading.get_ident()
        self._own = list(idle)

    def pop(self) -> Any:  # type: ignore[override]  # deque's is positional in typeshed
        """A connection for the present thread; IndexError tells py4j to make one."""
        return self._own.pop() if self._mine() else super().pop()

    def append(self, connection: Any) -> None:
        """Take back what `pop` gave, or what py4j made, in the same thread."""
        if self._mine():
            self._own.append(connection)
        else:
            super().append(connection)

    def __len__(self) -> int:
        return super().__len__() + len(self._own)

    def _mine(self) -> bool:
        return threading.get_ident() == self._owner


def keep_apart(client: Any) -> None:
    """Give the present thread connections of its own, once a gateway.

    Args:
        client: py4j's GatewayClient.
    """
    if not isinstance(client.deque, Connections):
        client.deque = Connections(client.deque)
