"""The model of the benchmarks: 16 inputs, two layers of 64, one output."""

from pathlib import Path

INPUTS, HIDDEN = 16, 64


def export(directory: Path) -> Path:
    """Write it as a SavedModel with fixed weights, as `tf.saved_model.save` does."""
    import tensorflow as tf

    class Mlp(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
        def __init__(self) -> None:
            shapes = [(INPUTS, HIDDEN), (HIDDEN, HIDDEN), (HIDDEN, 1)]
            self.layers = [
                (
                    tf.Variable(tf.random.stateless_normal(shape, seed=(7, at)) / shape[0] ** 0.5),
                    tf.Variable(tf.zeros(shape[1])),
                )
                for at, shape in enumerate(shapes)
            ]

        @tf.function(input_signature=[tf.TensorSpec([None, INPUTS], tf.float32, name="x")])
        def __call__(self, x: tf.Tensor) -> dict[str, tf.Tensor]:
            for weights, bias in self.layers[:-1]:
                x = tf.nn.relu(x @ weights + bias)
            weights, bias = self.layers[-1]
            return {"y": tf.reshape(x @ weights + bias, [-1])}

    model = Mlp()
    tf.saved_model.save(model, str(directory), signatures={"serving_default": model.__call__})
    return directory
