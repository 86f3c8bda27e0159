"""Make the model of last night: ``python train.py DIR``.

A logistic regression of clicks, on records as they were at the beginning of the day, exported as a
SavedModel: ``x`` float32[?, 4] → ``score`` float32[?].
"""

import sys
from typing import Any

import numpy as np
import tensorflow as tf

RECORDS, STEPS = 4000, 200


class Clicks(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
    """The probability of a click."""

    def __init__(self) -> None:
        self.weights = tf.Variable(tf.zeros([4, 1]))
        self.bias = tf.Variable(tf.zeros([1]))

    @tf.function(input_signature=[tf.TensorSpec([None, 4], tf.float32, name="x")])
    def __call__(self, x: Any) -> Any:
        """The score of each record."""
        return {"score": tf.sigmoid(x @ self.weights + self.bias)[:, 0]}


def yesterday() -> tuple[Any, Any]:
    """Records that follow the rule with which the stream of learn.py begins."""
    generator = np.random.default_rng(1)
    x = generator.uniform(-1, 1, size=(RECORDS, 4)).astype(np.float32)
    probability = 1 / (1 + np.exp(-4 * x[:, 1]))
    return x, (generator.uniform(size=RECORDS) < probability).astype(np.float32)


def main(directory: str) -> None:
    """Train and export."""
    x, clicked = map(tf.constant, yesterday())
    model = Clicks()
    optimizer = tf.keras.optimizers.Adam(0.1)
    variables = [model.weights, model.bias]
    for _ in range(STEPS):
        with tf.GradientTape() as tape:
            score = model(x)["score"]
            loss = tf.reduce_mean(
                tf.keras.losses.binary_crossentropy(clicked[:, None], score[:, None])
            )
        optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables, strict=True))
    tf.saved_model.save(model, directory, signatures={"serving_default": model.__call__})
    print(f"{directory}: loss {float(loss):.3f} on {RECORDS} records of yesterday")


if __name__ == "__main__":
    main(sys.argv[1])
