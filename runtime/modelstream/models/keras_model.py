"""KerasModel: a model in one of Keras' own files."""

import os
from collections.abc import Hashable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from modelstream.annotations import checked
from modelstream.models import keras_config
from modelstream.models.cache import ModelCache
from modelstream.models.directory import KERAS_SUFFIXES, single_file
from modelstream.models.loaded import LoadedModel
from modelstream.models.options import TensorFlowOptions
from modelstream.models.packages import import_packages, modules
from modelstream.models.signature import DEFAULT_SIGNATURE, PREDICT, Signature

if TYPE_CHECKING:
    from modelstream.models.keras_engine import KerasEngine

_CACHE: ModelCache[LoadedModel] = ModelCache()


class KerasModel:
    """A Keras model on disk, with one signature: ``serving_default``.

    Its inputs are called as the model's input layers, its outputs as the keys of the dictionary
    that it returns (``states_0``, ``states_1`` for a list in it), else as its last layers. Where
    one layer gives several outputs, they are ``output_0``, ``output_1``, … as in what
    ``model.export()`` writes. They are read without Keras where the file tells them; where it does
    not (a last layer of an unusual kind, a layer with state, a file of Keras 2) the model is loaded
    once to ask it. Layers run as they do after training.

    Examples:
        >>> ms.infer(payments, ms.KerasModel("/models/fraud.keras"), keep=["id"]).scored

    Args:
        path: a file, ``.keras`` or ``.h5``, or a directory with one such file in it.
        method_name: what kind of function it is.
        name: what metrics and messages call it; the file's name if None.
        imports: modules that are imported before the model loads, wherever it does: those that
            register its layers and functions with ``keras.saving.register_keras_serializable``.
        options: how TensorFlow runs it, where ``open`` is not told otherwise.

    Raises:
        ModelNotFoundError: there is no file.
        ModelFormatError: it is not a Keras model, or does not say what it takes.
        ModelLoadError: it had to be loaded, and Keras refuses it.
    """

    format: Final = "Keras"
    """What ``spec.models[].format`` calls it."""

    digest: str | None = None
    """The digest of its files, where somebody has computed it; dead letters name it."""

    @checked()
    def __init__(
        self,
        path: str | os.PathLike[str],
        method_name: str = PREDICT,
        *,
        name: str | None = None,
        imports: Iterable[str] = (),
        options: TensorFlowOptions = TensorFlowOptions(),  # noqa: B008  # frozen
    ) -> None:
        self._path = single_file(Path(path).absolute(), KERAS_SUFFIXES, "Keras model")
        self._name = name or self._path.stem
        self._options = options
        self._imports = modules(imports)
        found = keras_config.described(self._path) or self._asked()
        one = Signature(
            DEFAULT_SIGNATURE,
            method_name,
            found.inputs,
            found.outputs,
            found.stateful,
            probabilities=found.probabilities,
        )
        self._signatures = {one.name: one}

    @property
    def name(self) -> str:
        """What metrics, dead letters and messages call it."""
        return self._name

    @property
    def path(self) -> Path:
        """The file."""
        return self._path

    @property
    def key(self) -> Hashable:
        """Equal for two models that may share one copy in memory."""
        return ("Keras", str(self._path.resolve()))

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The one function that it offers."""
        return self._signatures

    def open(self, options: TensorFlowOptions | None = None) -> AbstractContextManager[LoadedModel]:
        """Load it, or share the copy that this process has already.

        The first call imports TensorFlow and Keras, which takes seconds.

        Raises:
            ModelLoadError: Keras refuses the file.
        """
        options = options or self._options
        return _CACHE.lease((self.key, options), lambda: self._load(options))

    def _load(self, options: TensorFlowOptions) -> LoadedModel:
        engine = self._engine(options)
        return LoadedModel(self._name, self._signatures, engine, None)

    def _engine(self, options: TensorFlowOptions) -> "KerasEngine":
        from modelstream.models.keras_engine import KerasEngine

        import_packages(self._imports)
        return KerasEngine(self._path, options)

    def _asked(self) -> keras_config.Described:
        """What the loaded model tells."""
        engine = self._engine(self._options)
        try:
            return engine.described
        finally:
            engine.close()

    def __repr__(self) -> str:
        return f"KerasModel({str(self._path)!r})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, KerasModel) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)
