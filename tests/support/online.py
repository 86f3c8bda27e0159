"""Online models for tests, and a learner of numpy that needs no TensorFlow.

What builds a model is defined inside a function, so that it is pickled as it is: the worker
processes of Flink do not see the modules of the tests.
"""

from __future__ import annotations

import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from tests.support.models import exported

from modelstream import DeadLetter, OnlineModel, TensorSpec
from modelstream.online.memory import Fingerprint, Memory, Weights

FEATURES = 2


def logistic(rate: float = 0.1) -> OnlineModel:
    """``x`` float32[2] → ``score``: a tf.Module with Adam, whose slots are part of the state."""

    def build() -> Any:
        import tensorflow as tf

        class Logistic(tf.Module):
            def __init__(self) -> None:
                self.weights = tf.Variable(tf.random.normal([2, 1]))
                self.bias = tf.Variable(tf.zeros([1]))

            def __call__(self, x: Any) -> Any:
                return tf.sigmoid(x @ self.weights + self.bias)

        return Logistic()

    def adam() -> Any:
        from tensorflow import keras

        return keras.optimizers.Adam(rate)

    return OnlineModel(
        build,
        loss="binary_crossentropy",
        optimizer=adam,
        inputs={"x": TensorSpec("float32", (None, FEATURES))},
        labels={"y": TensorSpec("float32", (None,))},
        update_every=8,
        on_error=DeadLetter(),
        name="logistic",
    )


def dense() -> OnlineModel:
    """A Keras model with dropout, batch normalisation and a regularizer: state of all kinds."""

    def build() -> Any:
        from tensorflow import keras

        return keras.Sequential(
            [
                keras.layers.Dense(4, activation="relu", kernel_regularizer="l2"),
                keras.layers.BatchNormalization(),
                keras.layers.Dropout(0.5),
                keras.layers.Dense(1, activation="sigmoid"),
            ]
        )

    return replace(logistic(), build=build, name="dense")


def square_root() -> OnlineModel:
    """``x`` → sqrt(w·x): an update with a zero is NaN although its loss is 0; x < 0 has no loss."""

    def build() -> Any:
        import tensorflow as tf

        class Root(tf.Module):
            def __init__(self) -> None:
                self.weight = tf.Variable(1.0)

            def __call__(self, x: Any) -> Any:
                return tf.pow(self.weight * x, 0.5)

        return Root()

    def loss(y: Any, score: Any) -> Any:
        return (y - score) ** 2

    scalar = TensorSpec("float32", (None,))
    return replace(
        logistic(), build=build, loss=loss, inputs={"x": scalar}, update_every=4, name="root"
    )


class Mean:
    """A learner of numpy: one weight that moves half-way to the mean label of a batch.

    A negative ``x`` makes the whole call fail, infinity makes the loss infinite, and 13 an update
    that is not finite.
    """

    fingerprint = Fingerprint(1, 0, 0)

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []

        self.closed = False

    def begin(self) -> Memory:
        return Memory(Weights([np.zeros(1, np.float32)]), self.fingerprint)

    def check(self, memory: Memory) -> None:
        assert len(memory.weights.arrays) == self.fingerprint.variables

    def close(self) -> None:
        self.closed = True

    def predict(self, weights: Weights, inputs: Sequence[Any]) -> list[Any]:
        (x,) = inputs
        if (x < 0).any():
            raise ValueError("x is negative")
        return [np.repeat(weights.arrays[0], len(x))]

    def assess(
        self, weights: Weights, inputs: Sequence[Any], labels: Sequence[Any]
    ) -> tuple[list[Any], Any]:
        self.calls.append(("assess", len(inputs[0])))
        outputs = self.predict(weights, inputs)
        return outputs, np.where(np.isinf(inputs[0]), np.inf, np.abs(labels[0] - outputs[0]))

    def learn(self, weights: Weights, inputs: Sequence[Any], labels: Sequence[Any]) -> bool:
        self.calls.append(("learn", len(inputs[0])))
        if not self.teaches(weights, inputs, labels):
            return False
        weights.arrays[0] = (weights.arrays[0] + labels[0].mean(keepdims=True)) / 2
        return True

    def teaches(self, weights: Weights, inputs: Sequence[Any], labels: Sequence[Any]) -> bool:
        return not (inputs[0] == 13).any()


class Context:
    """The contexts of a function, and the state of the only key, 7."""

    def __init__(self) -> None:
        self.held: Any = None
        self.timers: list[int] = []
        self.broadcast: dict[str, Any] = {}
        self.descriptor: Any = None

    def get_metrics_group(self) -> None:
        return None

    def get_state(self, descriptor: Any) -> Context:
        self.descriptor = descriptor
        return self

    def value(self) -> Any:
        return self.held

    def update(self, value: Any) -> None:
        self.held = pickle.loads(pickle.dumps(value))

    def get_current_key(self) -> int:
        return 7

    def timer_service(self) -> Context:
        return self

    def current_processing_time(self) -> int:
        return 1000

    def register_processing_time_timer(self, at: int) -> None:
        self.timers.append(at)

    def register_event_time_timer(self, at: int) -> None:
        self.timers.append(at)

    def get_broadcast_state(self, descriptor: Any) -> Context:
        return self

    def get(self, key: str) -> Any:
        return self.broadcast.get(key)

    def put(self, key: str, value: Any) -> None:
        self.broadcast[key] = value


def learner(definition: OnlineModel) -> Any:
    """The learner of TensorFlow, which is imported here."""
    from modelstream.online.learner import deterministic

    return deterministic(definition)


@exported
def leaky_sum(target: Path) -> None:
    """``x`` float32[?], ``h`` float32[?, 1] → ``y`` = ``h_next`` = h / 2 + x; x < 0 is refused."""
    import tensorflow as tf

    class Leaky(tf.Module):
        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.float32, "x"),
                tf.TensorSpec([None, 1], tf.float32, "h"),
            ]
        )
        def step(self, x: Any, h: Any) -> dict[str, Any]:
            tf.debugging.assert_non_negative(x, "x is negative")
            after = h / 2 + x[:, None]
            return {"y": after[:, 0], "h_next": after}

    module = Leaky()
    tf.saved_model.save(module, str(target), signatures={"serving_default": module.step})


@contextmanager
def nondeterministic() -> Iterator[None]:
    """A learner switches this process to deterministic operations; other tests go without."""
    try:
        yield
    finally:
        if "tensorflow" in sys.modules:
            from tensorflow.python.framework import config

            config.disable_op_determinism()


def learned_alone(definition: OnlineModel, batches: Sequence[Any]) -> list[Any]:
    """The variables after a training loop as one writes it in TensorFlow, without this library."""
    import tensorflow as tf
    from tensorflow import keras

    keras.utils.set_random_seed(definition.seed)
    model = definition.build()
    model(tf.zeros([1, FEATURES]))
    make: Callable[[], Any] = definition.optimizer  # type: ignore[assignment]
    optimizer = make()
    optimizer.build(model.trainable_variables)

    kinds = [tf.TensorSpec([None, FEATURES]), tf.TensorSpec([None])]

    @tf.function(input_signature=kinds)  # as the learner's: known sizes are computed otherwise
    def step(x: Any, y: Any) -> None:
        with tf.GradientTape() as tape:
            score = model(x, training=True) if isinstance(model, keras.Layer) else model(x)
            loss = tf.reduce_mean(keras.losses.binary_crossentropy(y[:, None], score))
            loss += sum(getattr(model, "losses", []))
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables, strict=True))

    for x, y in batches:
        step(tf.constant(x), tf.constant(y))
    return [variable.numpy() for variable in model.variables]
