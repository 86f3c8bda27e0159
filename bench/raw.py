"""TensorFlow alone: the signature called in a loop, no stream around it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from bench.measure import Case
from bench.mlp import INPUTS


def signature_loop(model: Path, batch: int) -> Callable[[int], None]:
    """A loop over one prepared batch of the v2 loader's signature."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(model))
    call = loaded.signatures["serving_default"]
    x = tf.constant(np.random.default_rng(0).random((batch, INPUTS), dtype=np.float32))

    def run(rows: int) -> None:
        for _ in range(max(rows // batch, 1)):
            call(x=x)["y"].numpy()

    run.model = loaded  # type: ignore[attr-defined]  # its variables live as long as the loop
    return run


def cases(model: Path) -> list[Case]:
    """Batch 1, 32, 256, 1024."""
    return [
        Case(f"TensorFlow alone, batch {n}", signature_loop(model, n), 2_000 * n, 200 * n)
        for n in (1, 32, 256, 1024)
    ]
