"""Images: JPEG bytes in, labels out, against a raw TensorFlow loop over the same files."""

import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bench.jobs import drain, environment
from bench.measure import Case

SIZE = 96
PICTURES = 64
BATCH = 64


def export(directory: Path) -> Path:
    """A small convolution network: ``image`` float32[?, 96, 96, 3] → ``scores`` float32[?, 10]."""
    import tensorflow as tf

    class Network(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
        def __init__(self) -> None:
            shapes = [(3, 3, 3, 16), (3, 3, 16, 32), (32, 10)]
            self.weights = [
                tf.Variable(tf.random.stateless_normal(shape, seed=(3, at)) / 10)
                for at, shape in enumerate(shapes)
            ]

        @tf.function(input_signature=[tf.TensorSpec([None, SIZE, SIZE, 3], tf.float32, "image")])
        def __call__(self, image: tf.Tensor) -> dict[str, tf.Tensor]:
            *filters, weights = self.weights
            for each in filters:
                image = tf.nn.relu(tf.nn.conv2d(image, each, strides=2, padding="SAME"))
            return {"scores": tf.nn.softmax(tf.reduce_mean(image, [1, 2]) @ weights)}

    network = Network()
    tf.saved_model.save(network, str(directory), signatures={"serving_default": network.__call__})
    return directory


def pictures(directory: Path) -> list[Path]:
    """JPEG files of 320 by 240 pixels, about 30 kB each."""
    import tensorflow as tf

    random = np.random.default_rng(5)
    directory.mkdir(parents=True, exist_ok=True)
    paths = [directory / f"{at:03}.jpg" for at in range(PICTURES)]
    for path in paths:
        coarse = tf.image.resize(random.integers(0, 255, (60, 80, 3)), (240, 320))
        path.write_bytes(tf.io.encode_jpeg(tf.cast(coarse, tf.uint8)).numpy())
    return paths


def loop(model: Path, paths: list[Path]) -> Callable[[int], None]:
    """Read, decode, resize and normalise one after the other, then the signature in batches."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(model))
    call = loaded.signatures["serving_default"]

    def decoded(path: Path) -> Any:
        pixels = tf.io.decode_image(path.read_bytes(), channels=3, expand_animations=False)
        return (tf.image.resize(pixels, (SIZE, SIZE)) - 127.5) / 127.5

    def run(rows: int) -> None:
        for start in range(0, rows, BATCH):
            picked = [paths[at % PICTURES] for at in range(start, min(start + BATCH, rows))]
            call(image=tf.stack([decoded(path) for path in picked]))["scores"].numpy()

    run.model = loaded  # type: ignore[attr-defined]  # its variables live as long as the loop
    return run


def tf_data(model: Path, paths: list[Path]) -> Callable[[int], None]:
    """The same as a tf.data pipeline, which decodes in parallel."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(model))
    call = loaded.signatures["serving_default"]
    names = [str(path) for path in paths]

    def decoded(path: tf.Tensor) -> Any:
        pixels = tf.io.decode_image(tf.io.read_file(path), channels=3, expand_animations=False)
        pixels.set_shape([None, None, 3])
        return (tf.image.resize(pixels, (SIZE, SIZE)) - 127.5) / 127.5

    def run(rows: int) -> None:
        files = tf.data.Dataset.from_tensor_slices(names).repeat().take(rows)
        images = files.map(decoded, num_parallel_calls=tf.data.AUTOTUNE).batch(BATCH)
        for batch in images.prefetch(1):
            call(image=batch)["scores"].numpy()

    run.model = loaded  # type: ignore[attr-defined]  # its variables live as long as the loop
    return run


def inferred(model: Path, paths: list[Path]) -> Callable[[int], None]:
    """`infer` over rows of JPEG bytes, decoded beside the model."""

    def run(rows: int) -> None:
        import modelstream as ms

        t_env = environment()
        image = ms.Image("content", mean=127.5, std=127.5)
        result = ms.infer(
            _source(t_env, paths, rows),
            ms.SavedModel(model),
            ms.Classify(inputs={"image": image}),
            keep=[],
            batch=ms.Batch(max_size=BATCH, max_latency=timedelta(seconds=1)),
            on_error=ms.Drop(),
        )
        drain(t_env, result.scored, "label STRING, score FLOAT")

    return run


def _source(t_env: Any, paths: list[Path], rows: int) -> Any:
    """``rows`` images as BYTES, from JSON lines that Flink decodes."""
    file = paths[0].parent / f"rows-{rows}.jsonl"
    if not file.exists():
        lines = [
            json.dumps({"at": at, "content": base64.b64encode(path.read_bytes()).decode()})
            for at, path in enumerate(paths)
        ]
        file.write_text("".join(f"{lines[at % PICTURES]}\n" for at in range(rows)))
    t_env.execute_sql("DROP TEMPORARY TABLE IF EXISTS images")
    t_env.execute_sql(
        "CREATE TEMPORARY TABLE images (`at` INT, content BYTES) WITH ('connector' = 'filesystem',"
        f" 'format' = 'json', 'path' = '{file}')"
    )
    return t_env.from_path("images")


def cases(scratch: Path) -> list[Case]:
    """A loop, tf.data and `infer` over the same pictures."""
    model, paths = export(scratch / "network"), pictures(scratch / "pictures")
    return [
        Case("images: TensorFlow loop", loop(model, paths), 640, 64),
        Case("images: tf.data", tf_data(model, paths), 2_560, 256),
        Case("images: infer", inferred(model, paths), 2_560, 256),
    ]


PAIRS = [
    ("images: infer", "images: TensorFlow loop"),
    ("images: infer", "images: tf.data"),
]
