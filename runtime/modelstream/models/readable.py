"""Models that TensorFlow cannot read where they are, or as they are.

Their version may be one that it does not understand ('0.12.head'); it takes a path with brackets or
a star for a pattern, and none that is not UTF-8.
"""

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

_PEP_440 = re.compile(r"\d+(\.\d+)*([-_.]?(a|b|rc|dev|post)\d*)*(\+[a-z0-9.]+)?", re.IGNORECASE)
_IN_TEXT = re.compile(r'(\btensorflow_version: ")([^"]*)(")')
_PATTERN = re.compile(r"[][*?\\\udc80-\udcff]")
_NUMBERS = re.compile(r"\d+(\.\d+)*")


def readable_copy(directory: Path, saved_model: Any) -> Path | None:
    """A temporary directory with a readable version and links to the rest; None if not needed."""
    infos = [meta.meta_info_def for meta in saved_model.meta_graphs]
    is_pattern = _PATTERN.search(str(directory)) is not None
    if not is_pattern and all(is_readable(info.tensorflow_version) for info in infos):
        return None
    copy = Path(tempfile.mkdtemp(prefix="modelstream-"))
    for entry in directory.iterdir():
        if entry.name not in {"saved_model.pb", "saved_model.pbtxt"}:
            (copy / entry.name).symlink_to(entry.absolute())
    _write(copy, directory, saved_model)
    return copy


@contextmanager
def readable_prefix(prefix: Path) -> Iterator[Path]:
    """The prefix of a checkpoint's files, or one of links to them, for as long as they are read."""
    if _PATTERN.search(str(prefix)) is None:
        yield prefix
        return
    with tempfile.TemporaryDirectory(prefix="modelstream-") as directory:
        link = Path(directory) / "variables"
        for entry in prefix.parent.iterdir():
            if entry.name.startswith(f"{prefix.name}."):
                rest = entry.name.removeprefix(prefix.name)
                link.with_name(link.name + rest).symlink_to(entry)
        yield link


def _write(copy: Path, directory: Path, saved_model: Any) -> None:
    binary = directory / "saved_model.pb"
    if not binary.is_file():  # the text form: fields that we do not know are lost when we parse it
        text = (directory / "saved_model.pbtxt").read_text()
        (copy / "saved_model.pbtxt").write_text(_IN_TEXT.sub(_readable_text, text))
        return
    for meta in saved_model.meta_graphs:
        info = meta.meta_info_def
        info.tensorflow_version = readable(info.tensorflow_version)
    (copy / "saved_model.pb").write_bytes(saved_model.SerializeToString())


def _readable_text(match: re.Match[str]) -> str:
    return f"{match.group(1)}{readable(match.group(2))}{match.group(3)}"


def is_readable(version: str) -> bool:
    """Whether TensorFlow's loaders understand the version string; an empty one they pass over."""
    return not version or _PEP_440.fullmatch(version) is not None


def readable(version: str) -> str:
    """The leading numbers of a version, which is all that TensorFlow compares: 0.12."""
    numbers = _NUMBERS.match(version)
    return version if is_readable(version) else numbers.group() if numbers else "1.0.0"
