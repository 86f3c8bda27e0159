"""Threads and the connections of a py4j gateway."""

import threading
from collections import deque
from typing import Any

import pytest

from modelstream.flink.jvm.connections import Connections, keep_apart


class Client:
    def __init__(self) -> None:
        self.deque: Any = deque(["first"])


def in_another_thread(connections: Any, given: str) -> list[Any]:
    """What another thread gets, before and after it has given a connection of its own back."""
    found: list[Any] = []

    def work() -> None:
        with pytest.raises(IndexError):
            connections.pop()
        connections.append(given)
        found.append(connections.pop())
        connections.append(given)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    return found


def test_a_thread_keeps_its_connection_while_another_comes_and_goes() -> None:
    client = Client()
    keep_apart(client)
    mine = client.deque.pop()
    client.deque.append(mine)
    assert in_another_thread(client.deque, "of another") == ["of another"]
    assert client.deque.pop() == mine == "first"


def test_a_connection_is_made_rather_than_taken_from_another_thread() -> None:
    client = Client()
    keep_apart(client)
    mine = client.deque.pop()
    in_another_thread(client.deque, "of another")
    with pytest.raises(IndexError):
        client.deque.pop()
    client.deque.append(mine)
    assert len(client.deque) == 2


def test_it_is_set_up_once() -> None:
    client = Client()
    keep_apart(client)
    connections = client.deque
    keep_apart(client)
    assert client.deque is connections
    assert isinstance(connections, Connections)
