"""Train a small network on pictures of shapes and export it: ``python train.py DIR``.

Writes ``saved_model/`` (a SavedModel) and ``graph/`` (the same as a frozen graph, graph.pb), each
with labels.txt beside it. Takes seconds on a CPU.
"""

import os
import sys
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf
from shapes import SHAPES, draw
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

SIZE = 48
EACH, EPOCHS = 250, 8


def main(directory: Path) -> None:
    """Draw, train, export."""
    keras.utils.set_random_seed(7)
    pictures, labels = drawn(EACH, np.random.default_rng(7))
    network = trained(pictures, labels)
    unseen, truth = drawn(50, np.random.default_rng(8))
    right = network.predict(unseen, verbose=0).argmax(axis=1) == truth
    print(f"trained on {len(pictures)} pictures; of {len(unseen)} others {right.mean():.1%} right")
    export(network, directory)


def drawn(each: int, random: np.random.Generator) -> tuple[Any, Any]:
    """Pictures as float32[n, 48, 48, 3] from 0 to 1, and the numbers of their labels."""
    numbers = np.repeat(np.arange(len(SHAPES)), each)
    names = list(SHAPES)
    pictures = [draw(names[number], SIZE, SIZE, random) for number in numbers]
    return np.stack(pictures).astype(np.float32) / 255, numbers


def trained(pictures: Any, labels: Any) -> Any:
    """Three convolutions and a softmax."""
    layers = keras.layers
    network = keras.Sequential(
        [
            layers.Input((SIZE, SIZE, 3)),
            *_block(layers, 12),
            *_block(layers, 24),
            *_block(layers, 32),
            layers.Flatten(),
            layers.Dropout(0.3),
            layers.Dense(len(SHAPES), activation="softmax"),
        ]
    )
    network.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy")
    network.fit(pictures, labels, batch_size=64, epochs=EPOCHS, verbose=0)
    return network


def _block(layers: Any, filters: int) -> list[Any]:
    return [
        layers.Conv2D(filters, 3, padding="same", activation="relu"),
        layers.MaxPooling2D(2),
    ]


def export(network: Any, directory: Path) -> None:
    """``image`` float32[?, 48, 48, 3] → ``scores`` float32[?, 6], as SavedModel and as graph."""

    class Labels(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
        def __init__(self) -> None:
            super().__init__()
            self.tracked = [variable.value for variable in network.variables]

        @tf.function(input_signature=[tf.TensorSpec([None, SIZE, SIZE, 3], tf.float32, "image")])
        def __call__(self, image: Any) -> dict[str, Any]:
            return {"scores": tf.identity(network(image, training=False), name="scores")}

    module = Labels()
    tf.saved_model.save(module, str(directory / "saved_model"), signatures=module.__call__)
    frozen = convert_variables_to_constants_v2(module.__call__.get_concrete_function())
    (directory / "graph").mkdir(parents=True, exist_ok=True)
    (directory / "graph" / "graph.pb").write_bytes(frozen.graph.as_graph_def().SerializeToString())
    for form in ("saved_model", "graph"):
        (directory / form / "labels.txt").write_text("".join(f"{name}\n" for name in SHAPES))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
