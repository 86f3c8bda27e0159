"""Why a Python worker was ended by signal 9, as far as it can be told.

With cgroup v2 the kernel ends the whole container, which Kubernetes reports as OOMKilled. With v1
it may end the largest process alone: the Python worker. Flink then restarts the job and does not
say why; so what started the worker does.
"""

from dataclasses import dataclass
from pathlib import Path

GIB = 1 << 30
_UNLIMITED = 1 << 60


@dataclass(frozen=True)
class Memory:
    """What the container's cgroup says."""

    kills: int
    """Processes that the kernel ended because the limit was reached."""

    limit: int | None
    """Bytes; None without a limit."""


def memory(root: Path = Path("/sys/fs/cgroup")) -> Memory:
    """Read the cgroup of this container, of either version."""
    if (root / "memory.events").exists():
        return Memory(_counter(root / "memory.events", "oom_kill"), _bytes(root / "memory.max"))
    old = root / "memory"
    return Memory(
        _counter(old / "memory.oom_control", "oom_kill"), _bytes(old / "memory.limit_in_bytes")
    )


def killed_message(found: Memory) -> str:
    """``Reason: message`` for a worker that signal 9 ended."""
    if found.kills == 0:
        return (
            "PythonWorkerKilled: a Python worker was ended by signal 9; the kernel's counter does "
            "not say that memory was the cause"
        )
    return (
        f"PythonWorkerOutOfMemory: the kernel ended a Python worker because the TaskManager's "
        f"container reached its memory limit{_of(found)}. Python and TensorFlow have what Flink's "
        "JVM leaves of it: raise spec.flink.taskManager.resources.limits.memory, or lower "
        "taskmanager.memory.managed.size in spec.flink.configuration"
    )


def loading_killed(found: Memory) -> tuple[str, str]:
    """Reason and message for signal 9 while the models were loaded, before there is a JVM."""
    if found.kills == 0:
        return "LoadingKilled", (
            "the process that loads the models was ended by signal 9; the kernel's counter does "
            "not say that memory was the cause"
        )
    return "OutOfMemory", (
        f"the models do not fit into the TaskManager's memory limit{_of(found)}: the kernel ended "
        "the process that loads them. Python and TensorFlow need more: raise "
        "spec.flink.taskManager.resources.limits.memory"
    )


def _of(found: Memory) -> str:
    return "" if found.limit is None else f" of {found.limit / GIB:.2f} GiB"


def _counter(path: Path, name: str) -> int:
    for line in _text(path).splitlines():
        key, _, value = line.partition(" ")
        if key == name:
            return int(value)
    return 0


def _bytes(path: Path) -> int | None:
    text = _text(path).strip()
    if not text.isdigit() or int(text) >= _UNLIMITED:
        return None
    return int(text)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
