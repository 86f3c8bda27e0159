"""The labels of a model's classes: a file beside the model, one label a line."""

from pathlib import Path

from modelstream.errors import JobError

_FIELD = "pipeline.inference.classify.labels"


def read_labels(model: Path, name: str) -> tuple[str, ...]:
    """The labels in the order of the scores; empty lines at the end do not count.

    Args:
        model: the model's directory, or its file.
        name: the labels' file, relative to that directory.

    Raises:
        JobError: there is no such file, or it holds no label.
    """
    directory = model if model.is_dir() else model.parent
    try:
        text = (directory / name).read_text(encoding="utf-8")
    except FileNotFoundError:
        there = ", ".join(sorted(entry.name for entry in directory.iterdir())[:8])
        raise JobError(f"{_FIELD}: {directory} has no file {name!r}; it has {there}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise JobError(f"{_FIELD}: {directory / name} cannot be read: {error}") from error
    labels = tuple(line.strip() for line in text.rstrip().splitlines())
    if not labels:
        raise JobError(f"{_FIELD}: {directory / name} is empty: write one label a line")
    return labels
