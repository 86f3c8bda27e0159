"""Which format a model on disk has, told by what is there."""

from collections.abc import Iterable
from pathlib import Path
from typing import Final, TypeAlias

from modelstream.models.directory import (
    GRAPH_SUFFIXES,
    KERAS_SUFFIXES,
    SAVED_MODEL_FILES,
    model_file,
)
from modelstream.models.keras_model import KerasModel
from modelstream.models.saved_model import SavedModel

FileModel: TypeAlias = SavedModel | KerasModel
"""A model on disk that says what it takes and gives."""

SUFFIXES: Final = (*GRAPH_SUFFIXES, *KERAS_SUFFIXES)
"""What models end in that are one file."""


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
    return None if file.suffix in GRAPH_SUFFIXES else KerasModel(file, imports=imports)


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
    return path.suffix in SUFFIXES and path.name not in SAVED_MODEL_FILES and path.is_file()
