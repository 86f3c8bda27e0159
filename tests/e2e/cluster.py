"""A Kubernetes cluster by its command-line tools, and waiting on what it says."""

import json
import os
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
MODELSTREAM = "modelstreams.modelstream.dev"
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
PATIENCE = 2
"""How many times longer than on a machine of its own something may take."""
POLL_SECONDS = 1.0
"""Between two questions: each is a process, and takes from the cores that the cluster needs."""


def run(*command: str, stdin: bytes | None = None, timeout: float = 900) -> str:
    """The output of a command; an error with what it said."""
    done = subprocess.run(
        command, input=stdin, capture_output=True, check=False, timeout=timeout, cwd=ROOT
    )
    if done.returncode:
        said = (done.stderr + done.stdout).decode().strip()
        raise AssertionError(f"{' '.join(command)[:300]}: {said[-2000:]}")
    return done.stdout.decode()


def eventually(
    check: Callable[[], Any], timeout: float, what: str, state: Callable[[], str] = str
) -> Any:
    """The first true answer of ``check``; an error with the state, once it takes far too long.

    ``timeout`` is in seconds, on a machine that does nothing else.
    """
    timeout *= PATIENCE
    deadline = time.monotonic() + timeout
    while True:
        if found := check():
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not in {timeout:.0f} s: {what}\n{state()}")
        time.sleep(POLL_SECONDS)


def texts(status: Mapping[str, Any]) -> list[str]:
    """The conditions of a status, each as a line."""
    return [
        f"{each['type']} {each['status']} {each['reason']}: {each['message']}"
        for each in status.get("conditions", ())
    ]


def holds(text: str, words: tuple[str, ...]) -> bool:
    """Whether all the words are in the text, in any case."""
    return all(word.lower() in text.lower() for word in words)


@dataclass(frozen=True)
class Namespace:
    """One namespace of the cluster."""

    name: str
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def kubectl(self, *arguments: str, stdin: bytes | None = None, timeout: float = 900) -> str:
        return run("kubectl", "--namespace", self.name, *arguments, stdin=stdin, timeout=timeout)

    def create(self) -> None:
        self.kubectl("create", "namespace", self.name)
        self.kubectl("label", "namespace", self.name, RESTRICTED)
        account = "serviceaccount/default"
        self.kubectl("wait", "--for=create", account, "--timeout=120s")

    def delete(self) -> None:
        self.kubectl("delete", "namespace", self.name, "--ignore-not-found", "--timeout=180s")

    def apply(self, *manifests: Mapping[str, Any]) -> None:
        bundle = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(bundle).encode())

    def get(self, kind: str, name: str = "", *arguments: str) -> Any:
        found = self.kubectl("get", kind, *([name] if name else []), *arguments, "-o", "json")
        return json.loads(found)

    def pods(self, stream: str, component: str) -> list[dict[str, Any]]:
        labels = f"app.kubernetes.io/instance={stream},app.kubernetes.io/component={component}"
        return list(self.get("pods", "", "-l", labels)["items"])

    def status(self, stream: str) -> dict[str, Any]:
        return dict(self.get(MODELSTREAM, stream).get("status", {}))

    def condition(self, stream: str, kind: str) -> dict[str, str]:
        for each in self.status(stream).get("conditions", []):
            if each["type"] == kind:
                return dict(each)
        return {}

    def ready(self, stream: str, timeout: float = 300) -> None:
        eventually(
            lambda: self.condition(stream, "Ready").get("status") == "True",
            timeout,
            f"{stream} is Ready",
            lambda: self.story(stream),
        )

    def says(self, stream: str, *words: str, timeout: float = 180) -> list[str]:
        """Wait until a condition says all the words; returns every condition of that status."""

        def said() -> list[str]:
            told = texts(self.status(stream))
            return told if any(holds(text, words) for text in told) else []

        found: list[str] = eventually(
            said, timeout, f"{stream} says {', '.join(words)}", lambda: self.story(stream)
        )
        return found

    def remove(self, stream: str) -> None:
        """Delete a stream and wait until its pods are gone."""
        self.kubectl("delete", MODELSTREAM, stream, "--ignore-not-found", "--timeout=180s")
        labels = f"app.kubernetes.io/instance={stream}"
        eventually(
            lambda: not self.get("pods", "", "-l", labels)["items"],
            180,
            f"{stream}'s pods are gone",
        )

    def story(self, stream: str) -> str:
        """Everything that helps to see why a test waits in vain."""
        status = json.dumps(self.status(stream), indent=1)
        labels = f"app.kubernetes.io/instance={stream}"
        pods = self.kubectl("get", "pods", "-o", "wide")
        logs = ""
        for component in ("jobmanager", "taskmanager"):
            selector = f"{labels},app.kubernetes.io/component={component}"
            try:
                logs += f"\n--- {component}\n" + self.kubectl(
                    "logs", "-l", selector, "--tail=25", "--all-containers"
                )
            except AssertionError as error:
                logs += f"\n--- {component}: {error}"
        return f"{status}\n{pods}{logs}"
