"""SavedModel: TensorFlow's format for a model with its signatures."""

import os
from collections.abc import Hashable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from modelstream.annotations import checked
from modelstream.models import metagraph
from modelstream.models.cache import ModelCache
from modelstream.models.directory import resolve, version_of
from modelstream.models.loaded import LoadedModel, load, tensorflow_loaders
from modelstream.models.options import TensorFlowOptions
from modelstream.models.packages import import_packages, modules
from modelstream.models.signature import Shapes, Signature, with_shapes

_CACHE: ModelCache[LoadedModel] = ModelCache()


class SavedModel:
    """A SavedModel on disk. Its signatures are read at once, without TensorFlow.

    It pickles without the model's weights; where it is unpickled the same path is opened. A
    version that was chosen because it was the highest stays chosen.

    Examples:
        >>> model = ms.SavedModel("/models/fraud")
        >>> print(model.signatures["serving_default"])
        >>> with model.open() as opened:
        ...     opened.score({"amount": 12.5, "country": "NL"})

    Args:
        path: the directory with saved_model.pb, or one with version directories (``1/``, ``2/``).
        tags: all tags that the meta graph has.
        version: which version directory; None takes the highest number.
        name: what metrics and messages call it; the directory's name if None.
        ragged: for a model that takes the flat values and row splits of a ragged tensor as plain
            inputs: ``{"x": ("values", "row_splits")}`` makes of them one ragged input ``x``; of a
            deeper one, the outermost splits come first. A ragged input that TensorFlow has exported
            is found without it where the export tells which tensors it is made of.
        shapes: input or output → its dimensions with the batch, None for one that varies, where the
            model does not state them: ``{"x": (None, 3)}``.
        imports: modules that are imported before the model loads, wherever it does, for operations
            that TensorFlow alone does not have: ``["tensorflow_text"]``.
        options: how TensorFlow runs it, where ``open`` is not told otherwise.

    Raises:
        ModelNotFoundError: there is no model at the path.
        ModelFormatError: saved_model.pb is corrupt.
        TagsNotFoundError: no meta graph has these tags.
        SignatureMismatchError: no signature has what ``ragged`` or ``shapes`` names.
    """

    format: Final = "SavedModel"
    """What ``spec.models[].format`` calls it."""

    digest: str | None = None
    """The digest of its files, where somebody has computed it; dead letters name it."""

    @checked()
    def __init__(
        self,
        path: str | os.PathLike[str],
        tags: Iterable[str] = ("serve",),
        version: int | None = None,
        *,
        name: str | None = None,
        ragged: Mapping[str, str | Sequence[str]] | None = None,
        shapes: Shapes | None = None,
        imports: Iterable[str] = (),
        options: TensorFlowOptions = TensorFlowOptions(),  # noqa: B008  # frozen
    ) -> None:
        root = Path(path).absolute()
        self._directory = resolve(root, version)
        self._tags = tuple(sorted({tags} if isinstance(tags, str) else set(tags)))
        self._name = name or root.name
        self._options = options
        meta = metagraph.meta_graph(metagraph.read(self._directory), self._tags, self._directory)
        self._ragged = {
            name: (parts,) if isinstance(parts, str) else tuple(parts)
            for name, parts in (ragged or {}).items()
        }
        self._shapes = {name: tuple(shape) for name, shape in (shapes or {}).items()}
        self._imports = modules(imports)
        self._signatures = with_shapes(metagraph.signatures(meta, self._ragged), self._shapes)

    @property
    def name(self) -> str:
        """What metrics, dead letters and messages call it."""
        return self._name

    @property
    def path(self) -> Path:
        """The directory that holds saved_model.pb, with the version."""
        return self._directory

    @property
    def version(self) -> int | None:
        """The number of the version directory; None for a model without versions."""
        return version_of(self._directory.name)

    @property
    def tags(self) -> tuple[str, ...]:
        """The tags of its meta graph, sorted."""
        return self._tags

    @property
    def key(self) -> Hashable:
        """Equal for two models that may share one copy in memory."""
        ragged = tuple(sorted(self._ragged.items()))
        shapes = tuple(sorted(self._shapes.items()))
        return ("SavedModel", str(self._directory.resolve()), self._tags, *ragged, *shapes)

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The functions that it offers, by name."""
        return self._signatures

    def open(self, options: TensorFlowOptions | None = None) -> AbstractContextManager[LoadedModel]:
        """Load it, or share the copy that this process has already.

        The first call imports TensorFlow, which takes seconds.

        Raises:
            ModelLoadError: TensorFlow refuses the model; lists what each loader said.
        """
        options = options or self._options
        return _CACHE.lease((self.key, options), lambda: self._load(options))

    def _load(self, options: TensorFlowOptions) -> LoadedModel:
        import_packages(self._imports)
        loaded = load(self._directory, self._tags, options, tensorflow_loaders, self._ragged)
        return loaded.with_signatures(self._signatures)

    def __repr__(self) -> str:
        return f"SavedModel({str(self._directory)!r}, tags={self._tags})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SavedModel) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)
