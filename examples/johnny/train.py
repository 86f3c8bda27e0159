"""Pictures of things, drawn with numbers, and a small network that learns to tell them apart."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SIZE = 48
Array = npt.NDArray[Any]
Colour = tuple[float, float, float]


class Canvas:
    """A square picture with its origin in the middle; the thing on it is moved and scaled."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.pixels = np.ones((SIZE, SIZE, 3)) * rng.uniform(0.55, 0.95, 3)
        rows, columns = np.mgrid[0:SIZE, 0:SIZE] * 2 / SIZE - 1
        scale, (down, right) = rng.uniform(0.75, 1.1), rng.uniform(-0.15, 0.15, 2)
        self.y, self.x = (rows - down) / scale, (columns - right) / scale

    def ellipse(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """Fill an ellipse around (x, y)."""
        inside = ((self.x - x) / width) ** 2 + ((self.y - y) / height) ** 2 < 1
        self.pixels[inside] = colour

    def box(self, x: float, y: float, width: float, height: float, colour: Colour) -> None:
        """Fill a rectangle around (x, y)."""
        inside = (abs(self.x - x) < width) & (abs(self.y - y) < height)
        self.pixels[inside] = colour


def cheeseburger(canvas: Canvas) -> None:
    """Bun, salad, cheese, meat, bun."""
    bun = (0.85, 0.55, 0.2)
    canvas.ellipse(0, -0.15, 0.7, 0.5, bun)
    canvas.box(0, 0.05, 0.75, 0.07, (0.3, 0.7, 0.2))
    canvas.box(0, 0.18, 0.7, 0.06, (1.0, 0.8, 0.1))
    canvas.box(0, 0.32, 0.7, 0.1, (0.35, 0.18, 0.1))
    canvas.box(0, 0.5, 0.68, 0.1, bun)


def ladybug(canvas: Canvas) -> None:
    """A black head, red wings, black dots."""
    black = (0.08, 0.08, 0.08)
    canvas.ellipse(0, -0.55, 0.28, 0.22, black)
    canvas.ellipse(0, 0.05, 0.6, 0.6, (0.85, 0.1, 0.1))
    canvas.box(0, 0.05, 0.03, 0.58, black)
    for x in (-0.3, 0.3):
        for y in (-0.2, 0.15):
            canvas.ellipse(x, y, 0.11, 0.11, black)


def llama(canvas: Canvas) -> None:
    """Body, neck, head, ears, four legs."""
    wool = (0.93, 0.88, 0.78)
    canvas.ellipse(0.1, 0.2, 0.5, 0.25, wool)
    canvas.box(-0.3, -0.2, 0.1, 0.4, wool)
    canvas.ellipse(-0.4, -0.55, 0.22, 0.13, wool)
    for x in (-0.32, -0.22):
        canvas.box(x, -0.75, 0.03, 0.1, wool)
    for x in (-0.22, -0.05, 0.3, 0.47):
        canvas.box(x, 0.6, 0.05, 0.25, (0.6, 0.5, 0.4))


def nothing(canvas: Canvas) -> None:
    """An empty doorway."""
    canvas.box(0, 0.2, 0.4, 0.7, (0.45, 0.42, 0.4))


DRAWINGS: dict[str, Callable[[Canvas], None]] = {
    drawing.__name__: drawing for drawing in (cheeseburger, ladybug, llama, nothing)
}


def picture(label: str, rng: np.random.Generator) -> Array:
    """A picture of a thing as a bad camera sees it: uint8[48, 48, 3]."""
    canvas = Canvas(rng)
    DRAWINGS[label](canvas)
    noisy = canvas.pixels * rng.uniform(0.8, 1.1) + rng.normal(0, 0.05, canvas.pixels.shape)
    return (np.clip(noisy, 0, 1) * 255).astype(np.uint8)


def train(target: Path, pictures: int = 600) -> None:
    """Export ``images`` string[?] (JPEG) → ``classes`` string[?, 4], ``scores`` float32[?, 4]."""
    import keras

    rng = np.random.default_rng(1)
    keras.utils.set_random_seed(1)
    wanted = rng.integers(0, len(DRAWINGS), pictures)
    images = np.stack([picture(list(DRAWINGS)[each], rng) for each in wanted]) / np.float32(255)
    layers = keras.layers
    network = keras.Sequential(
        [
            layers.Input((SIZE, SIZE, 3)),
            layers.Conv2D(8, 5, strides=2, activation="relu"),
            layers.Conv2D(16, 3, strides=2, activation="relu"),
            layers.Flatten(),
            layers.Dense(len(DRAWINGS), activation="softmax"),
        ]
    )
    network.compile(keras.optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    network.fit(images, wanted, batch_size=32, epochs=10, verbose=0)
    _export(network, target)


def _export(network: Any, target: Path) -> None:
    import keras
    import tensorflow as tf

    def pixels(jpeg: tf.Tensor) -> tf.Tensor:
        decoded = tf.io.decode_jpeg(jpeg, channels=3)
        return tf.image.resize(decoded, (SIZE, SIZE)) / 255

    def classify(images: tf.Tensor) -> dict[str, tf.Tensor]:
        scores = network(tf.map_fn(pixels, images, fn_output_signature=tf.float32))
        classes = tf.tile(tf.constant([list(DRAWINGS)]), [tf.shape(images)[0], 1])
        return {"classes": classes, "scores": scores}

    archive = keras.export.ExportArchive()
    archive.track(network)
    signature = [tf.TensorSpec([None], tf.string, name="images")]
    archive.add_endpoint("serving_default", classify, input_signature=signature)
    archive.write_out(str(target), verbose=False)
