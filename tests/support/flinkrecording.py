"""What a JobManager said and left behind at one moment, without what differs from run to run.

Ids, times, ports and stack traces become words in braces, so that a recording is small, two
recordings of the same course are alike, and a double can fill in its own.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

RECORDINGS = Path(__file__).with_name("flink_recordings")

_TIME = 10**12
"""Milliseconds since 1970 are greater, counts are smaller."""

_MEASURED = re.compile(
    r"duration|_size|_data$|buffered|duration|percentile|^(min|max|avg|p\d+)$"
    r"|start_delay|processed_data|persisted_data"
)
"""Keys whose numbers are measured: 0 tells nothing, and differs from nothing."""

_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"savepoint-[0-9a-f]{6}-[0-9a-f]{12}"), "savepoint-{random}"),
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "{uuid}"),
    (re.compile(r"blob_[pt]-[0-9a-f]{40}-\{?[0-9a-z]+\}?"), "blob_{random}"),
    (re.compile(r"(submittedExecutionPlan|completedCheckpoint)[0-9a-f]{10,}"), r"\1{random}"),
    (re.compile(r"(127\.0\.0\.1|localhost):\d+(-[0-9a-f]{6})?"), r"\1:{port}"),
    (re.compile(r"chk-\d+"), "chk-{n}"),
    (re.compile(r"checkpointID-\d+"), "checkpointID-{n}"),
)
_ID = re.compile(r"(?<![0-9a-f{])[0-9a-f]{32}(?![0-9a-f])")
_CHANCE = frozenset({"failed", "in_progress"})
"""Checkpoints that were late when another process was busy."""

_SERIALIZED = "serialized-throwable"
"""Key of a Java object."""

_STACK = re.compile(r"^\s*(at |\.\.\. \d+ more)")


@dataclass(frozen=True)
class Answer:
    """Of Flink's REST interface: its status, 0 where nobody answered, and its JSON."""

    status: int
    body: Any


@dataclass(frozen=True)
class Scene:
    """One moment of a course."""

    name: str
    rest: Mapping[str, Answer]
    """By question, such as ``GET /jobs/{job}/checkpoints``."""

    config_maps: Mapping[str, Any] = field(default_factory=dict)
    """Of high availability, by name: labels, annotations, owners, keys of data."""

    files: tuple[str, ...] = ()
    """Of the store, without doubles: there may be one blob or five."""

    def facts(self) -> dict[str, Any]:
        """What is the same each time that a course is gone through."""
        rest = {name: [each.status, _facts(each.body)] for name, each in self.rest.items()}
        return {"rest": rest, "configMaps": self.config_maps, "files": self.files}

    def as_json(self) -> dict[str, Any]:
        """For a file."""
        rest = {question: [each.status, each.body] for question, each in self.rest.items()}
        return {"rest": rest, "configMaps": self.config_maps, "files": list(self.files)}

    @classmethod
    def of_json(cls, name: str, document: Mapping[str, Any]) -> "Scene":
        """From a file."""
        rest = {question: Answer(*each) for question, each in document["rest"].items()}
        return cls(name, rest, document["configMaps"], tuple(document["files"]))


def write(course: str, scenes: Iterable[Scene], directory: Path = RECORDINGS) -> None:
    """Keep the scenes of a course as a file."""
    document = {scene.name: scene.as_json() for scene in scenes}
    text = json.dumps(document, indent=1, sort_keys=True)
    (directory / f"{course}.json").write_text(f"{text}\n")


def read(course: str, directory: Path = RECORDINGS) -> dict[str, Scene]:
    """The scenes of a course by their names."""
    document = json.loads((directory / f"{course}.json").read_text())
    return {name: Scene.of_json(name, each) for name, each in document.items()}


@dataclass(frozen=True)
class Words:
    """What a course calls its own values: ``{"aaaa…": "{job}", "file:///tmp/x": "{state}"}``."""

    known: Mapping[str, str]
    ids: dict[str, str] = field(default_factory=dict)
    """Of vertices and the like, by what they are called: in the order in which they were met."""

    def normal(self, value: Any, key: str = "") -> Any:
        """The value without what differs from run to run."""
        if isinstance(value, Mapping):
            inner = {self.text(name): self.normal(each, name) for name, each in value.items()}
            return dict(sorted(inner.items()))
        if isinstance(value, list):
            return [self.normal(each, key) for each in value]
        if isinstance(value, str):
            return "{random}" if key == _SERIALIZED else self.text(value)
        if isinstance(value, int | float) and not isinstance(value, bool):
            return _number(value, key)
        return value

    def text(self, value: str) -> str:
        """A text without ids, ports and stack traces."""
        lines = [line for line in value.splitlines() if not _STACK.match(line)]
        text = "\n".join(lines)
        for said, word in self.known.items():
            text = text.replace(said, word)
        for pattern, word in _PATTERNS:
            text = pattern.sub(word, text)
        return _ID.sub(lambda found: self._called(found[0]), text)

    def _called(self, identity: str) -> str:
        return self.ids.setdefault(identity, f"{{id {len(self.ids) + 1}}}")


def _number(value: float, key: str) -> Any:
    if isinstance(value, float) or _MEASURED.search(key):
        return 0
    return "{time}" if value > _TIME else value


def _facts(value: Any, key: str = "") -> Any:
    """Without counts of what depends on how fast the machine is; tasks are as many each time."""
    if isinstance(value, Mapping):
        chance = frozenset() if key == "tasks" else _CHANCE
        kept = {name: each for name, each in value.items() if name not in chance}
        return {name: _facts(each, name if key != "tasks" else key) for name, each in kept.items()}
    if isinstance(value, list):
        return [_facts(each, key) for each in value]
    if isinstance(value, int) and key not in ("tasks", "restored"):
        return 0
    return value
