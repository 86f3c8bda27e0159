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
