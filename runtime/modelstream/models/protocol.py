"""What a model is to the rest of the library; a model of your own implements it."""

from collections.abc import Hashable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from modelstream.convert.inputs import Tensor
from modelstream.models.options import TensorFlowOptions
from modelstream.models.signature import Signature

Tensors = Mapping[str, npt.NDArray[Any]]
"""What comes out of a model, by tensor name."""

Fed = Mapping[str, Tensor]
"""What goes into a model, by tensor name: arrays, and RaggedValues for ragged inputs."""


class OpenModel(Protocol):
    """A model that is in memory. Safe to call from several threads."""

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The functions that it offers, by name."""

    def call(self, signature: str, inputs: Fed) -> dict[str, np.ndarray[Any, Any]]:
        """Run one signature on a batch: arrays by tensor name in, arrays by tensor name out.

        A ragged input is a RaggedValue.
        """

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

    def open(self, options: TensorFlowOptions | None = ...) -> AbstractContextManager[OpenModel]:
        """Load it, or share the copy that this process has already.

        ``options`` wins over what the model says of itself.
        """
