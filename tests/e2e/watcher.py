"""Watches beside the operator's: when a cause is in a pod's status, and when the stream says it."""

import json
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Any

from tests.e2e.cluster import MODELSTREAM, Namespace, eventually, holds, texts

STARTING = ("PodInitializing", "ContainerCreating")


@dataclass
class Watcher:
    """What two watches of a namespace have told, and when: seconds, object or stream, status."""

    pods: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)
    streams: list[tuple[float, str, dict[str, Any]]] = field(default_factory=list)

    @classmethod
    @contextmanager
    def on(cls, namespace: Namespace) -> "Iterator[Watcher]":
        watcher = cls()
        instance = r"{.metadata.labels.app\.kubernetes\.io/instance}"
        pods = _watch(namespace, "pods", instance, watcher.pods)
        streams = _watch(namespace, MODELSTREAM, "{.metadata.name}", watcher.streams)
        with pods, streams:
            yield watcher

    def delay(self, stream: str, words: tuple[str, ...]) -> float | None:
        """Seconds from the cause in a pod's status to the words in the stream's.

        None where no pod shows a cause, because there is none, or none that came first.
        """
        said = eventually(lambda: self._said(stream, words), 60, f"the watch tells of {stream}")
        caused = [at for at, name, status in self.pods if name == stream and has_cause(status)]
        return said - caused[0] if caused and caused[0] <= said else None

    def _said(self, stream: str, words: tuple[str, ...]) -> float | None:
        for at, name, status in self.streams:
            if name == stream and any(holds(text, words) for text in texts(status)):
                return at
        return None


@contextmanager
def _watch(
    namespace: Namespace, kind: str, name: str, into: list[tuple[float, str, dict[str, Any]]]
) -> Iterator[None]:
    template = f'jsonpath={name} {{.status}}{{"\\n"}}'
    command = ["kubectl", "--namespace", namespace.name, "get", kind, "--watch", "-o", template]

    def read(lines: IO[str]) -> None:
        for line in lines:
            named, status = line.split("{", 1) if "{" in line else (line, "}")
            into.append((time.monotonic(), named.strip(), json.loads("{" + status)))

    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        thread = threading.Thread(target=read, args=[process.stdout])
        thread.start()
        try:
            yield
        finally:
            process.terminate()
            thread.join()


def has_cause(status: dict[str, Any]) -> bool:
    """Whether a pod's status says that it, or a container of it, is in trouble."""
    for each in status.get("conditions", ()):
        if each["type"] == "PodScheduled" and each.get("reason") == "Unschedulable":
            return True
    containers = [*status.get("initContainerStatuses", ()), *status.get("containerStatuses", ())]
    return any(_in_trouble(each) for each in containers)


def _in_trouble(container: dict[str, Any]) -> bool:
    waiting = container["state"].get("waiting", {}).get("reason", STARTING[0])
    ended = [container[key].get("terminated", {}) for key in ("state", "lastState")]
    return waiting not in STARTING or any(each.get("exitCode") for each in ended)
