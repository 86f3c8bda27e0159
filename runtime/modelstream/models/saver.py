"""Saver: the variables of a model in memory, to a checkpoint and back."""

import os
from pathlib import Path
from typing import Protocol, runtime_checkable

from modelstream.errors import ModelError, ModelLoadError, ModelNotFoundError
from modelstream.models.loaded import LoadedModel
from modelstream.models.protocol import OpenModel
from modelstream.models.readable import readable_prefix


@runtime_checkable
class Savable(Protocol):
    """An engine whose model has variables."""

    def save(self, prefix: str) -> str:
        """Write the variables; gives the prefix of the checkpoint's files."""

    def restore(self, prefix: str) -> None:
        """Read them back."""


class Saver:
    """Saves and restores the variables of a model that is open.

    A SavedModel is saved by the saver that its exporter put into it (TF1's SaverDef, which TF2
    exports have too), a Keras model by ``tf.train.Checkpoint``. All who share the open model see
    what is restored.

    Args:
        model: what ``open`` gave.

    Raises:
        ModelError: the model has no variables, such as a frozen graph.
    """

    def __init__(self, model: OpenModel) -> None:
        engine: object = model.engine if isinstance(model, LoadedModel) else model
        if not isinstance(engine, Savable):
            raise ModelError(
                f"{type(engine).__name__} has no variables to save or restore: only a "
                f"SavedModel or a Keras model that is open has them"
            )
        self._engine = engine

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the variables.

        Args:
            path: the prefix of the files, in a directory that is made if it is not there.

        Returns:
            The prefix under which the files are, for ``restore``.
        """
        prefix = Path(path).absolute()
        prefix.parent.mkdir(parents=True, exist_ok=True)
        return Path(self._engine.save(str(prefix)))

    def restore(self, path: str | os.PathLike[str]) -> None:
        """Read the variables back.

        Raises:
            ModelNotFoundError: there is no checkpoint under that prefix.
            ModelLoadError: it is one of another model.
        """
        prefix = Path(path).absolute()
        if not prefix.with_name(f"{prefix.name}.index").is_file():
            raise ModelNotFoundError(
                f"there is no checkpoint {prefix} ({prefix.name}.index); give what save returned"
            )
        try:
            with readable_prefix(prefix) as found:
                self._engine.restore(str(found))
        except ModelError:
            raise
        except Exception as error:  # whatever TensorFlow raises
            raise ModelLoadError(f"the checkpoint {prefix} cannot be restored: {error}") from error
