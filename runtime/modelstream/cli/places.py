"""Where in its manifest an error stands: what a run finds is told as `validate` tells it."""

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from modelstream.errors import ModelStreamError
from modelstream_crds.manifest import Problem, located

_FIELD = re.compile(
    r"(?:spec\.)?((?:models|pipeline|sql|python|flink|state)\b[\w.$\[\]'\"-]*)(?:: |, )(.+)",
    re.DOTALL,
)
_STATEMENT = re.compile(r"(statement \d+) \(line (\d+): (.+)", re.DOTALL)


@dataclass(frozen=True)
class Places:
    """The manifest that errors are about.

    Attributes:
        file: the manifest's.
        name: the stream in it.
        overrides: what ``--set`` exchanged.
    """

    file: Path
    name: str
    overrides: dict[str, str] = field(default_factory=dict)

    def of(self, message: str) -> str:
        """The message with file, line and full path, where it begins with a field."""
        found = self.problem(message)
        return message if found is None else str(found)

    def problem(self, message: str) -> Problem | None:
        """The same in its parts; None where it names no field."""
        found = _FIELD.fullmatch(message)
        if found is None:
            return None
        path, said, line = f"spec.{found[1]}", found[2], 0
        if statement := _STATEMENT.fullmatch(said):
            said, line = f"{statement[1]} ({statement[3]}", int(statement[2])
        return located(self.file, self.name, path, said, self.overrides, line)

    @contextlib.contextmanager
    def told(self) -> Iterator[None]:
        """An error inside the block says where it stands."""
        try:
            yield
        except ModelStreamError as error:
            _say(error, self.of(str(error)))
            raise


@contextlib.contextmanager
def at(place: str) -> Iterator[None]:
    """An error inside the block that names no field is about this one."""
    try:
        yield
    except ModelStreamError as error:
        if _FIELD.fullmatch(str(error)) is None:
            _say(error, f"{place}: {error}")
        raise


def _say(error: ModelStreamError, message: str) -> None:
    error.args = (message, *error.args[1:])
