"""The models of a manifest: where they are, opened, and held against what the manifest says."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modelstream.errors import DigestMismatchError, JobError
from modelstream.fetch import check_links, digest_of, local_path
from modelstream.models import (
    GraphSignature,
    GraphTensor,
    Model,
)
from modelstream.models.formats import stored_model
from modelstream.models.signature import CLASSIFY, PREDICT, REGRESS
from modelstream_crds import names
from modelstream_crds import v1alpha1 as api

_METHOD_NAMES = {
    api.Method.PREDICT: PREDICT,
    api.Method.CLASSIFY: CLASSIFY,
    api.Method.REGRESS: REGRESS,
}


def place(model: api.Model, root: Path = Path(names.MODELS_ROOT)) -> Path:
    """Where a pod has a model: in its image for ``file://``, else mounted under ``root``."""
    return local_path(model.uri) if model.uri.startswith("file://") else root / model.name


def model_at(path: Path, spec: api.Model) -> Model:
    """The model, its signatures read, nothing loaded where its format tells enough.

    Raises:
        ModelError: there is no model of that format at the path, or its signatures are not those
            of the graph.
        FetchError: a link in it leads out of it.
    """
    if path.is_dir():
        check_links(path)
    options = {"name": spec.name, "imports": spec.imports, **_of_its_format(spec)}
    found = stored_model(spec.format, path, **options)
    found.digest = spec.digest
    return found


def _of_its_format(spec: api.Model) -> dict[str, Any]:
    """What the manifest says that not every format takes; its rules refuse it of the others."""
    given = {
        "tags": spec.tags if spec.tags != _default("tags") else None,
        "shapes": {name: _shape(shape) for name, shape in spec.shapes.items()},
        "signatures": {each.name: _signature(each) for each in spec.signatures or ()},
    }
    return {name: value for name, value in given.items() if value}


def _default(field: str) -> Any:
    return api.Model.model_fields[field].default


def _signature(spec: api.GraphSignature) -> GraphSignature:
    return GraphSignature(
        {each.name: _tensor(each) for each in spec.inputs},
        {each.name: _tensor(each) for each in spec.outputs},
        _METHOD_NAMES[spec.method],
    )


def _tensor(spec: api.GraphTensor) -> GraphTensor:
    shape = None if spec.shape is None else _shape(spec.shape)
    return GraphTensor(spec.tensor, shape, spec.dtype)


def _shape(sizes: tuple[int, ...]) -> tuple[int | None, ...]:
    """Dimensions as the library writes them: None for one that varies."""
    return tuple(None if size < 0 else size for size in sizes)


@dataclass(frozen=True)
class Verified:
    """A model that is there, readable, and of the digest that was asked for."""

    name: str
    digest: str
    signatures: tuple[str, ...]

    def described(self) -> dict[str, str | list[str]]:
        """What ``status.models`` says of it."""
        return {"name": self.name, "digest": self.digest, "signatures": list(self.signatures)}


def verified(model: api.Model, path: Path) -> Verified:
    """Read the signatures and every byte of the model at ``path``.

    Raises:
        ModelError: there is no model, or it cannot be read.
        DigestMismatchError: it is another model than the manifest asks for.
    """
    found = model_at(path, model)
    digest = checked_digest(model, path)
    return Verified(model.name, digest, tuple(sorted(found.signatures)))


def checked_digest(model: api.Model, path: Path) -> str:
    """The digest of the model at ``path``.

    Raises:
        DigestMismatchError: it is another model than the manifest asks for.
    """
    digest = digest_of(path)
    if model.digest is not None and digest != model.digest:
        raise DigestMismatchError(
            f"model {model.name} at {path} is not the one that the manifest asks for: "
            f"expected {model.digest}, got {digest}"
        )
    return digest


_LABELS = "pipeline.inference.classify.labels"


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
        raise JobError(f"{_LABELS}: {directory} has no file {name!r}; it has {there}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise JobError(f"{_LABELS}: {directory / name} cannot be read: {error}") from error
    labels = tuple(line.strip() for line in text.rstrip().splitlines())
    if not labels:
        raise JobError(f"{_LABELS}: {directory / name} is empty: write one label a line")
    return labels
