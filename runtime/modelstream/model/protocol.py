"""What a model is to the rest of the library; a model of your own implements it."""

from collections.abc import Hashable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from modelstream.model.runtime import Runtime
from modelstream.model.signature import Signature

Tensors = Mapping[str, npt.NDArray[Any]]


class OpenModel(Protocol):
    """A model that is in memory. Safe to call from several threads."""

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The functions that it offers, by name."""

    def call(self, signature: str, inputs: Tensors) -> dict[str, np.ndarray[Any, Any]]:
        """Run one signature on a batch: arrays by tensor name in, arrays by tensor name out."""

    def predict(
        self, signature: str = ..., /, **tensors: object
    ) -> dict[str, np.ndarray[Any, Any]]:
        """Run one signature on a batch of Python values, converted as its inputs ask for."""


class Model(Protocol):
    """A model on disk or in code: known by its signatures, cheap to pickle, loaded when opened."""

    @property
    def name(self) -> str:
        """What metrics, dead letters and messages call it."""

    @property
    def key(self) -> Hashable:
        """Equal for two models that may share one copy in memory."""

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The functions that it offers, by name; known without loading it."""

    def open(self, runtime: Runtime | None = ...) -> AbstractContextManager[OpenModel]:
        """Load it, or share the copy that this process has already.

        ``runtime`` wins over what the model says of itself.
        """
