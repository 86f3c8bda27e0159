"""What a model is to the rest of the library; a model of your own implements it."""

import inspect
import os
from collections.abc import Hashable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from modelstream.convert.inputs import Tensor
from modelstream.errors import OptionError
from modelstream.messages import excerpt
from modelstream.models.runtime import Runtime
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

    def open(self, runtime: Runtime | None = ...) -> AbstractContextManager[OpenModel]:
        """Load it, or share the copy that this process has already.

        ``runtime`` wins over what the model says of itself.
        """


def check_model(given: object, taker: str, several: str = "give it one of them") -> None:
    """Refuse what is no model before something of it is asked for.

    Args:
        given: where a model belongs.
        taker: what it was given to.
        several: what to write for a collection of models.

    Raises:
        OptionError: it is no model; says what to write instead.
    """
    if isinstance(given, type) or not all(_has(given, name) for name in _ASKED_FOR):
        raise OptionError(
            f"{taker} takes a model, and {excerpt(given)} ({type(given).__name__}) is none: "
            f"{_instead(given, several)}"
        )


_ASKED_FOR = ("name", "signatures", "open")


def _has(given: object, name: str) -> bool:
    # The class first: a property of the instance may have to read the model.
    return hasattr(type(given), name) or hasattr(given, name)


def _instead(given: object, several: str) -> str:
    match given:
        case str() | os.PathLike():
            return f"give SavedModel({os.fspath(given)!r}), or a KerasModel or GraphDefModel of it"
        case type():
            return f"make one of the class, {given.__name__}(…)"
        case Iterable():
            return several
        case _ if inspect.isroutine(given):
            return "make one of the function, CallableModel(function, inputs=…, outputs=…)"
        case _:
            return (
                "give a SavedModel, KerasModel, GraphDefModel or CallableModel, or what has the "
                "properties and methods of modelstream.models.Model"
            )
