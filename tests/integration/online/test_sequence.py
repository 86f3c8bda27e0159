"""Sequences through models of every kind: what a function leaves behind when Flink closes it."""

import weakref
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tests.support.jvm import import_noisy
from tests.support.memory import grown_mib
from tests.support.online import Context, leaky_sum

from modelstream import CallableModel, GraphDefModel, KerasModel, SavedModel, TensorSpec
from modelstream.models.protocol import Model
from modelstream.recurrent.definition import RecurrentModel

STATE = {"h": TensorSpec("float32", (None, 1))}
SPECS = {"x": TensorSpec("float32", (None,)), **STATE}


def _saved(directory: Path) -> Model:
    return SavedModel(leaky_sum())


def _keras(directory: Path) -> Model:
    """Each of its activations registers a gradient function."""
    layers = tf.keras.layers
    x, h = tf.keras.Input((), name="x"), tf.keras.Input((1,), name="h")
    after = layers.Add()([layers.Reshape((1,))(x), h])
    for _ in range(6):
        after = layers.Activation("silu")(after)
    outputs = {"y": layers.Reshape(())(after), "h_next": after}
    tf.keras.Model({"x": x, "h": h}, outputs).save(directory / "silu.keras")
    return KerasModel(directory / "silu.keras")


def _graph(directory: Path) -> Model:
    def step(x: Any, h: Any) -> Mapping[str, Any]:
        after = h / 2 + x[:, None]
        return {"y": after[:, 0], "h_next": after}

    return GraphDefModel.from_function(step, SPECS)


def _callable(directory: Path) -> Model:
    """With a megabyte that it loads."""

    def step(ones: Any, x: Any, h: Any) -> Mapping[str, Any]:
        after = h / 2 + x[:, None] * ones[0]
        return {"y": after[:, 0], "h_next": after}

    outputs = {"y": SPECS["x"], "h_next": SPECS["h"]}
    return CallableModel(step, SPECS, outputs, load=lambda: np.ones(2**18, np.float32))


MODELS = [_saved, _keras, _graph, _callable]


class Cycle:
    """A function opens, scores a record and closes; Flink may hold it for longer."""

    def __init__(self, model: Model) -> None:
        import_noisy()
        from pyflink.common import Row, Types
        from pyflink.datastream import OutputTag

        from modelstream.recurrent.function import RecurrentFunction

        definition = RecurrentModel(model, {"h": "h_next"})
        tag = OutputTag("dead", Types.STRING())
        self._record = Row(1.0)
        self._function = RecurrentFunction(definition, ("x",), (), tag)
        self.scored: list[Any] = []

    def open(self) -> None:
        context = Context()
        self._function.open(context)
        self.scored = list(self._function.process_element(self._record, context))

    def close(self) -> None:
        self._function.close()

    @property
    def opened(self) -> Any:
        return self._function._step._model

    def __call__(self) -> None:
        self.open()
        self.close()


@pytest.mark.parametrize("make", MODELS)
def test_nothing_leaks_over_open_and_close_cycles(
    make: Callable[[Path], Model], tmp_path: Path
) -> None:
    cycle = Cycle(make(tmp_path))
    assert grown_mib(cycle, 50, before=10) < 5
    (row,) = cycle.scored
    assert np.isfinite(list(row)).all()


@pytest.mark.parametrize("make", MODELS)
def test_the_model_is_gone_when_the_function_has_closed(
    make: Callable[[Path], Model], tmp_path: Path
) -> None:
    cycle = Cycle(make(tmp_path))
    cycle.open()
    parts = [weakref.ref(cycle.opened._opened), weakref.ref(cycle.opened._opened.engine)]
    cycle.close()
    assert [part() for part in parts] == [None, None]
