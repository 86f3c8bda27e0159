"""Models of Keras: its own files, and what its export() writes."""

from pathlib import Path

from tests.support.models.exporting import exported


@exported
def keras3(target: Path) -> None:
    """A Keras 3 model written by ``export()``: ``features`` float32[?, 4] → softmax of 3."""
    import keras

    keras.utils.set_random_seed(1)
    layers = [
        keras.layers.Input((4,), name="features"),
        keras.layers.Dense(3, activation="softmax"),
    ]
    keras.Sequential(layers).export(str(target), verbose=False)


@exported
def keras3_saved(target: Path) -> None:
    """A Keras 3 model written by ``tf.saved_model.save``: whole/, wrapped/ in a tf.Module with a
    function of its own, and called/ by a lambda around it; a table in each.

    ``x`` string[?, 1] → float32[?, 2].
    """
    import keras
    import tensorflow as tf

    keras.utils.set_random_seed(1)
    words = keras.Input((1,), name="x", dtype="string")
    numbers = keras.layers.StringLookup(vocabulary=["cat", "dog"], output_mode="one_hot")(words)
    model = keras.Model(words, keras.layers.Dense(2, name="y")(numbers))
    takes = tf.TensorSpec([None, 1], tf.string, "x")

    class Wrapped(tf.Module):
        def __init__(self):
            self.inner = model

        @tf.function(input_signature=[takes])
        def serve(self, x):
            return {"y": self.inner(x, training=False)}

    wrapped, called = Wrapped(), tf.Module()
    called.inner = model
    tf.saved_model.save(model, str(target / "whole"))
    tf.saved_model.save(wrapped, str(target / "wrapped"), signatures=wrapped.serve)
    function = tf.function(lambda x: {"y": model(x)}).get_concrete_function(takes)
    tf.saved_model.save(called, str(target / "called"), signatures=function)


@exported
def keras_files(target: Path) -> None:
    """``a`` float32[?, 4], ``b`` int32[?, 2] → ``probs`` float32[?, 3], ``score`` float32[?, 1].

    One model as net.keras and net.h5; unusual.keras ends with a layer that is not told from
    outside; own.keras is of a class of its own.
    """
    import keras

    layers = keras.layers
    keras.utils.set_random_seed(1)
    a, b = keras.Input((4,), name="a"), keras.Input((2,), dtype="int32", name="b")
    both = layers.Concatenate()([a, layers.Rescaling(0.5)(b)])
    outputs = {
        "score": layers.Dense(1, name="number")(both),
        "probs": layers.Softmax()(layers.Dense(3)(both)),
    }
    net = keras.Model({"a": a, "b": b}, outputs)
    target.mkdir()
    for name in ("net.keras", "net.h5"):
        net.save(target / name)
    unusual = [keras.Input((4,), name="a"), layers.UnitNormalization(name="unit")]
    keras.Sequential(unusual).save(target / "unusual.keras")
    _own_class().save(target / "own.keras")


def _own_class():
    import keras

    @keras.saving.register_keras_serializable("modelstream-tests")
    class Own(keras.Model):
        def call(self, x):
            return x

        def get_config(self):
            return {}

    model = Own()
    model.build((None, 2))
    return model
