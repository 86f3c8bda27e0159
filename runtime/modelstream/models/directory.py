"""Where the model is: directories, versions, files, and what to say without one."""

from collections.abc import Collection
from pathlib import Path

from modelstream.errors import ModelFormatError, ModelNotFoundError

_FILES = ("saved_model.pb", "saved_model.pbtxt")
SAVED_MODEL_FILES = (*_FILES, "fingerprint.pb", "keras_metadata.pb")
"""What stands in a SavedModel and ends as a graph does."""
GRAPH_SUFFIXES = (".pb", ".pbtxt")
KERAS_SUFFIXES = (".keras", ".h5", ".hdf5")
_LISTED = 8


def resolve(path: Path, version: int | None = None) -> Path:
    """The directory that holds saved_model.pb: ``path`` itself or its version ``7/``.

    Args:
        path: a SavedModel, or a directory of versions as TensorFlow Serving lays them out.
        version: which of the versions; None takes the highest number.

    Raises:
        ModelNotFoundError: there is no model; lists what is there.
    """
    if not path.is_dir():
        raise ModelNotFoundError(_not_a_directory(path))
    if version is None and model_file(path):
        return path
    versions = _versions(path)
    if version is None and versions:
        version = max(versions)
    if version in versions:
        return _version(path, version, versions[version])
    raise ModelNotFoundError(_no_model(path, version, versions))


def single_file(path: Path, suffixes: tuple[str, ...], what: str) -> Path:
    """The file of a model that is one file: ``path`` itself, or the only one in that directory.

    Args:
        path: a file of any name, or a directory.
        suffixes: what the names of such files end in.
        what: the kind of file, for messages.

    Raises:
        ModelNotFoundError: no version is there, or more than one; lists what is there.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise ModelNotFoundError(f"there is no file and no directory {path}")
    found = sorted(
        entry
        for entry in path.iterdir()
        if entry.suffix in suffixes and entry.name not in SAVED_MODEL_FILES
    )
    match found:
        case [one]:
            return one
        case []:
            raise ModelNotFoundError(
                f"no {what} ({', '.join(suffixes)}) in {path}: {_holds(path)}; name the file"
            )
    names = ", ".join(entry.name for entry in found[:_LISTED])
    raise ModelNotFoundError(f"{path} holds {len(found)} of {what}: {names}; name one of the files")


def version_of(name: str) -> int | None:
    """The number that a directory is named by; None for other names, such as ``²`` or ``1.0``."""
    return int(name) if name.isascii() and name.isdigit() else None


def model_file(directory: Path) -> Path | None:
    """saved_model.pb or saved_model.pbtxt of the directory, if it has one."""
    return next((directory / name for name in _FILES if (directory / name).is_file()), None)


def _versions(path: Path) -> dict[int, list[str]]:
    """Version number → names of its sub-directories; only those that hold a model."""
    versions: dict[int, list[str]] = {}
    for name in sorted(entry.name for entry in path.iterdir()):
        version = version_of(name)
        if version is not None and model_file(path / name):
            versions.setdefault(version, []).append(name)
    return versions


def _version(path: Path, version: int, names: list[str]) -> Path:
    if len(names) > 1:
        raise ModelNotFoundError(
            f"{path} holds {' and '.join(names)}, which are all version {version}: leave one of "
            f"them, or give its own directory"
        )
    return path / names[0]


def _not_a_directory(path: Path) -> str:
    if path.name in SAVED_MODEL_FILES and path.is_file():
        return f"{path} is a part of a SavedModel: give the directory {path.parent}"
    if path.is_file():
        return (
            f"{path} is a file; a SavedModel is a directory with saved_model.pb in it: "
            f"give the directory. A frozen graph is a GraphDefModel, a .keras file a KerasModel"
        )
    return f"there is no directory {path}"


def _no_model(path: Path, version: int | None, versions: Collection[int]) -> str:
    if versions:
        known = ", ".join(str(number) for number in sorted(versions))
        return f"{path} has no version {version}; it has the versions {known}"
    if version is not None and model_file(path):
        return f"{path} is one SavedModel without versions: leave version={version} out"
    if (path / "saved_model.cpb").is_file():
        raise ModelFormatError(
            f"{path} holds a split SavedModel (saved_model.cpb); export it as saved_model.pb"
        )
    return (
        f"no saved_model.pb in {path} nor in a version directory of it (1/, 2/, …): "
        f"{_holds(path)}{_half(path)}"
    )


def _half(path: Path) -> str:
    """What else a SavedModel leaves, where its graph has not come yet."""
    parts = ("variables", *SAVED_MODEL_FILES)
    return ": was it copied completely?" if any((path / each).exists() for each in parts) else ""


def _holds(path: Path) -> str:
    names = sorted(entry.name + "/" * entry.is_dir() for entry in path.iterdir())
    more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
    return f"it holds {', '.join(names[:_LISTED])}{more}" if names else "it is empty"
