"""A model made of numpy, for tests that need Flink but not TensorFlow, or neither.

It doubles its input, refuses negative numbers, and can be told to refuse all, to fail once, or to
write down the size of each call.
"""

from collections.abc import Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from modelstream.errors import BrokenModelError
from modelstream.models import Signature, TensorFlowOptions, TensorSpec

SIGNATURE = Signature(
    "serving_default",
    "tensorflow/serving/predict",
    {"x": TensorSpec("float32", (None,), "x")},
    {"y": TensorSpec("float32", (None,), "y")},
)


@dataclass(frozen=True)
class NumpyModel:
    """``x`` float32[?] → ``y`` float32[?], twice as much; a negative number fails the whole call.

    Attributes:
        calls: a file that gets a line with the number of records for each call.
        fails_once: a file; the call that sees ``fails_at`` fails unless the file is there.
        fails_at: a value of ``x``.
        broken: every call fails.
        cannot_work: every call says that no input would be better.
    """

    calls: Path | None = None
    fails_once: Path | None = None
    fails_at: float = 0
    broken: bool = False
    cannot_work: bool = False
    name: str = "double"
    format: ClassVar[str] = "SavedModel"

    @property
    def key(self) -> Hashable:
        return self

    @property
    def signatures(self) -> Mapping[str, Signature]:
        return {SIGNATURE.name: SIGNATURE}

    @contextmanager
    def open(self, options: TensorFlowOptions = TensorFlowOptions()) -> Iterator["NumpyModel"]:  # noqa: B008  # frozen
        yield self

    def call(self, signature: str, inputs: Mapping[str, Any]) -> dict[str, Any]:
        x = inputs["x"]
        if self.calls is not None:
            with self.calls.open("a") as file:
                file.write(f"{len(x)}\n")
        if self.fails_once is not None and self.fails_at in x and not self.fails_once.exists():
            if len(x) == 1:  # the halves of a batch are tried again: the record itself must fail
                self.fails_once.touch()
            raise SystemError("the injected failure")
        if self.cannot_work:
            raise BrokenModelError("w has no value")
        if self.broken:
            raise RuntimeError("no such layer")
        if (x < 0).any():
            raise ValueError("x is negative")
        return {"y": (x * 2).astype(np.float32)}

    def predict(self, signature: str = SIGNATURE.name, /, **tensors: object) -> dict[str, Any]:
        return self.call(signature, {name: np.asarray(each) for name, each in tensors.items()})


def called(calls: Path) -> list[int]:
    """How many records each call had."""
    return [int(line) for line in calls.read_text().split()] if calls.exists() else []
