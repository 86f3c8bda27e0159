"""A port that nobody else can take before the server that it is for, and the wait for that."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


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


def wait_for_port(
    port: int, process: subprocess.Popen[bytes], log: Path, timeout: float = 180
) -> None:
    """Wait until something listens; fail with the log when the process ends before."""
    deadline = time.monotonic() + timeout
    while True:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline, f"nothing listens on {port}: {log.read_text()}"
        time.sleep(0.05)
