"""A model that writes down which process loads and closes it."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.numpymodel import NumpyModel

from modelstream.models import TensorFlowOptions
from modelstream.models.cache import ModelCache


@dataclass(frozen=True)
class LoggedModel(NumpyModel):
    """The doubling model, shared by a process as a SavedModel is.

    Attributes:
        log: a file that gets a line ``load PID`` and one ``close PID``.
    """

    log: Path = Path(os.devnull)

    @contextmanager
    def open(self, options: TensorFlowOptions = TensorFlowOptions()) -> Iterator[NumpyModel]:  # noqa: B008  # frozen
        with _CACHE.lease(self.key, lambda: _Loaded(self)) as loaded:
            yield loaded.model


class _Loaded:
    def __init__(self, model: LoggedModel) -> None:
        self.model = model
        self._write("load")

    def close(self) -> None:
        self._write("close")

    def _write(self, event: str) -> None:
        with self.model.log.open("a") as file:
            file.write(f"{event} {os.getpid()}\n")


_CACHE: ModelCache[_Loaded] = ModelCache()
