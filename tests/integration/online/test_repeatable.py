"""Random numbers, and whatever else changes: the same after a restart, or refused."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow import keras
from tests.support.online import dense, learner, logistic

from modelstream import OnlineModel, export
from modelstream.errors import ModelError
from modelstream.online.memory import Memory

X, Y = np.ones((8, 2), np.float32), np.ones(8, np.float32)


def model(
    act: Callable[[Any, Any], Any], hold: Callable[[Any], Any], always: bool = False
) -> OnlineModel:
    """A tf.Module that holds something, and acts on what it gives: in updates alone, or always."""

    class Sometimes(tf.Module):
        def __init__(self) -> None:
            self.weights = tf.Variable([[1.0], [2.0]])
            self.held = hold(self)

        def __call__(self, x: Any, training: bool = False) -> Any:
            given = x @ self.weights
            return act(given, self.held) if training or always else given

    return replace(logistic(), build=Sometimes, loss=lambda y, score: (y - score[:, 0]) ** 2)


def of_keras(*layers: Any) -> OnlineModel:
    return replace(logistic(), build=lambda: keras.Sequential([make() for make in layers]))


def generator(_: Any) -> Any:
    return tf.random.Generator.from_seed(1)


def counter(_: Any) -> Any:
    return tf.Variable(0, trainable=False)


def noisy(x: Any, held: Any) -> Any:
    return x + held.normal(tf.shape(x))


def counted(x: Any, held: Any) -> Any:
    return x + tf.random.stateless_normal(tf.shape(x), [held.assign_add(1), 0])


def in_a_branch(x: Any, held: Any) -> Any:
    return tf.cond(tf.size(x) > 1, lambda: x + tf.cast(held.assign_add(1), x.dtype), lambda: x)


def lstm() -> Any:
    """It moves its random numbers on in every call, to score too."""
    return keras.layers.LSTM(3, dropout=0.5, recurrent_dropout=0.5)


def table(_: Any) -> Any:
    return tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a"], [3.0]), 0.0)


REPEATABLE = [
    pytest.param(model(noisy, generator), id="generator"),
    pytest.param(model(noisy, generator, always=True), id="generator, to score too"),
    pytest.param(model(lambda x, g: noisy(x, g[0]), lambda _: [generator(_)]), id="in a list"),
    pytest.param(model(counted, counter), id="counter"),
    pytest.param(model(counted, counter, always=True), id="counter, to score too"),
    pytest.param(model(in_a_branch, counter), id="in a branch"),
    pytest.param(model(lambda x, held: x + held.lookup(tf.constant("a")), table), id="table"),
    pytest.param(dense(), id="dropout"),
    pytest.param(
        of_keras(lambda: keras.layers.Reshape((2, 1)), lstm, lambda: keras.layers.Dense(1)),
        id="dropout of an LSTM",
    ),
]


def learned(definition: OnlineModel, scores: int, restarts: bool) -> bytes:
    """The state after 8 updates, each after so many records were scored."""
    made = learner(definition)
    memory = made.begin()
    for at in range(8):
        if restarts and at == 4:  # another worker has only the bytes
            held = memory.to_bytes()
            made.close()
            made, memory = learner(definition), Memory.from_bytes(held)
            made.check(memory)
        for _ in range(scores):
            made.predict(memory.weights, [X])
            made.assess(memory.weights, [X], [Y])
        assert made.learn(memory.weights, [X], [Y])
    state: bytes = memory.to_bytes()
    made.close()
    return state


@pytest.mark.parametrize("definition", REPEATABLE)
def test_what_it_learns_does_not_tell_of_a_restart_nor_how_often_it_scored(
    definition: OnlineModel,
) -> None:
    assert learned(definition, 2, restarts=True) == learned(definition, 0, restarts=False)


@pytest.mark.parametrize(
    ("act", "hold"), [pytest.param(noisy, generator, id="generator"), (counted, counter)]
)
def test_each_update_draws_others_and_scoring_the_same_until_then(
    act: Callable[[Any, Any], Any], hold: Callable[[Any], Any]
) -> None:
    made = learner(model(act, hold, always=True))
    weights = made.begin().weights
    before = [made.predict(weights, [X])[0].tolist() for _ in range(2)]
    noise = [made.predict(weights, [X])[0] - X @ weights.arrays[_kernel(weights.arrays)]]
    made.learn(weights, [X], [Y])
    noise.append(made.predict(weights, [X])[0] - X @ weights.arrays[_kernel(weights.arrays)])
    assert before[0] == before[1]
    assert abs(noise[0] - noise[1]).max() > 0.01


def _kernel(arrays: list[Any]) -> int:
    return next(at for at, array in enumerate(arrays) if array.shape == (2, 1))


def _forgotten(_: Any) -> Any:
    """A variable that neither a tf.Module nor Keras finds."""

    class Holder:
        count = tf.Variable(0, trainable=False, name="forgotten")

    return Holder()


class Unseeded(keras.layers.Layer):
    def call(self, x: Any, training: bool = False) -> Any:
        return x + keras.random.normal([1]) if training else x


@pytest.mark.parametrize(
    ("definition", "words"),
    [
        pytest.param(
            model(lambda x, _: x + tf.random.normal(tf.shape(x)), lambda _: None),
            r"draws random numbers with RandomStandardNormal, .* hold a tf.random.Generator",
            id="tf.random.normal",
        ),
        pytest.param(
            model(lambda x, _: tf.nn.dropout(x, 0.5, seed=1), lambda _: None, always=True),
            r"draws random numbers with RandomUniform, .* Use Keras layers such as Dropout",
            id="tf.nn.dropout",
        ),
        pytest.param(
            model(lambda x, _: tf.function(tf.nn.dropout)(x, 0.5), lambda _: None),
            "draws random numbers with RandomUniform",
            id="in a function",
        ),
        pytest.param(
            model(lambda x, held: in_a_branch(x, held.count), _forgotten),
            "changes forgotten:0, which is none of its variables",
            id="forgotten",
        ),
        pytest.param(
            of_keras(lambda: keras.layers.Dense(1), Unseeded),
            r"changes .*seed_generator_state.* such as a keras.random.SeedGenerator of the layer",
            id="Keras without a seed",
        ),
    ],
)
def test_what_would_be_otherwise_after_a_restart_is_refused_with_what_to_write(
    definition: OnlineModel, words: str
) -> None:
    with pytest.raises(ModelError, match=words):
        learner(definition)


def test_the_place_of_a_generator_goes_with_published_weights(tmp_path: Path) -> None:
    definition = model(noisy, generator)
    memory = learner(definition).begin()
    assert [array.dtype for array in Memory.from_published(memory.published()).weights.arrays] == [
        np.float32,
        np.int64,
    ]
    export(definition, memory.published(), tmp_path / "exported")
    served = tf.saved_model.load(str(tmp_path / "exported")).signatures["serving_default"]
    assert served(x=tf.constant(X))["score"].numpy().tolist() == [3.0] * 8
