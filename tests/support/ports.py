"""A port that nobody else can take before the server that it is for."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def held_port() -> Iterator[int]:
    """A free port of 127.0.0.1, kept from every other process until the block ends.

    Linux lets a server listen on a port that another socket holds without listening, as long as
    both say SO_REUSEADDR, which Java's and Python's servers do; it gives the port to nobody who
    asks for any.
    """
    with socket.socket() as holder:
        holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind(("127.0.0.1", 0))
        yield int(holder.getsockname()[1])
