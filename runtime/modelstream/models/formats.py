"""The formats of models on disk: opened as what is stated, or told by what is there."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final, TypeAlias

from modelstream.models.directory import (
    GRAPH_SUFFIXES,
    KERAS_SUFFIXES,
    SAVED_MODEL_FILES,
    model_file,
)
from modelstream.models.graph_def import GraphDefModel
from modelstream.models.keras_model import KerasModel
from modelstream.models.saved_model import SavedModel

FileModel: TypeAlias = SavedModel | KerasModel
"""A model on disk that says what it takes and gives."""

SUFFIXES: Final = {GraphDefModel.format: GRAPH_SUFFIXES, KerasModel.format: KERAS_SUFFIXES}
"""Format → what models end in that are one file."""

_KINDS: Final[dict[str, Any]] = {
    each.format: each for each in (SavedModel, KerasModel, GraphDefModel)
}


def stored_model(form: str, path: Path, **options: Any) -> FileModel | GraphDefModel:
    """The model at a path, of a format that is stated.

    Args:
        form: the format.
        path: a file, or a directory.
        options: what its class takes.

    Raises:
        ModelError: there is no model of that format, or it is not what the options say.
    """
    found: FileModel | GraphDefModel = _KINDS[form](path, **options)
    return found


def format_of(path: Path) -> str | None:
    """The format of what is at a path, as its name tells; None where it does not."""
    if (path / "saved_model.pb").is_file():
        return SavedModel.format
    return _by_suffix(path) if path.is_file() else None


def file_model(
    path: Path,
    *,
    tags: Iterable[str] = ("serve",),
    version: int | None = None,
    imports: Iterable[str] = (),
) -> FileModel | None:
    """The model at a path, its signatures read; None for a graph, which has none.

    Args:
        path: a file, or a directory.
        tags: all tags of a SavedModel's meta graph.
        version: which of a SavedModel's versions; None takes the highest number.
        imports: modules that are imported before the model loads.

    Raises:
        ModelNotFoundError: there is no model.
        ModelFormatError: it is not what its name says.
    """
    file = model_as_file(path)
    if file is None:
        return SavedModel(path, tags=tags, version=version, imports=imports)
    kind = _KINDS[_by_suffix(file) or ""]
    return None if kind is GraphDefModel else kind(file, imports=imports)


def model_as_file(path: Path) -> Path | None:
    """The file of a model that is one, also of the only one in a directory; else None."""
    if _is_model(path):
        return path
    if not path.is_dir() or model_file(path):
        return None
    files = [entry for entry in path.iterdir() if _is_model(entry)]
    return files[0] if len(files) == 1 else None


def _is_model(path: Path) -> bool:
    """A file that is a model by itself; no part of a SavedModel, whose files end as graphs do."""
    return bool(_by_suffix(path)) and path.name not in SAVED_MODEL_FILES and path.is_file()


def _by_suffix(path: Path) -> str | None:
    suffix = path.suffix.lower()
    return next((form for form, suffixes in SUFFIXES.items() if suffix in suffixes), None)
