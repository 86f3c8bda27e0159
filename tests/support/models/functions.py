"""TF2 style: a module with traced functions."""

import shutil
from itertools import pairwise
from pathlib import Path

from tests.support.models.exporting import exported


@exported
def mlp(target: Path) -> None:
    """``x`` float32[?, 16] → two layers of 64 → ``y`` float32[?, 1]."""
    import tensorflow as tf

    tf.random.set_seed(1)

    class Mlp(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            sizes = [16, 64, 64, 1]
            self.weights = [
                tf.Variable(tf.random.normal([rows, columns], stddev=rows**-0.5))
                for rows, columns in pairwise(sizes)
            ]

        @tf.function(input_signature=[tf.TensorSpec([None, 16], tf.float32, name="x")])
        def __call__(self, x):
            for weights in self.weights[:-1]:
                x = tf.nn.relu(tf.matmul(x, weights))
            return {"y": tf.matmul(x, self.weights[-1])}

    module = Mlp()
    tf.saved_model.save(module, str(target), signatures={"serving_default": module.__call__})


@exported
def shout(target: Path) -> None:
    """``text`` string[?] → ``loud`` string[?], ``length`` int32[?]."""
    import tensorflow as tf

    class Shout(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def __call__(self, text):
            return {"loud": tf.strings.upper(text), "length": tf.strings.length(text)}

    module = Shout()
    tf.saved_model.save(module, str(target), signatures={"serving_default": module.__call__})


@exported
def total(target: Path) -> None:
    """``values`` float32[?, ?] (any length a record) → ``sum`` float32[?]."""
    import tensorflow as tf

    class Total(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, name="values")])
        def __call__(self, values):
            return {"sum": tf.reduce_sum(values, axis=1)}

    module = Total()
    tf.saved_model.save(module, str(target), signatures={"serving_default": module.__call__})


@exported
def words(target: Path) -> None:
    """Ragged tensors out: ``text`` string[?] → ``words`` and ``lengths``, one list a record."""
    import tensorflow as tf

    class Words(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
        def __call__(self, text):
            words = tf.strings.split(text)
            return {"words": words, "lengths": tf.strings.length(words)}

    module = Words()
    tf.saved_model.save(module, str(target), signatures={"serving_default": module.__call__})


@exported
def pair(target: Path) -> None:
    """Two inputs, two outputs: ``a`` float32[?], ``b`` int64[?, 2] → ``sum``, ``product``."""
    import tensorflow as tf

    class Pair(tf.Module):
        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.float32, name="a"),
                tf.TensorSpec([None, 2], tf.int64, name="b"),
            ]
        )
        def __call__(self, a, b):
            b = tf.cast(b, tf.float32)
            return {"sum": a + tf.reduce_sum(b, 1), "product": a[:, None] * b}

    module = Pair()
    tf.saved_model.save(module, str(target), signatures={"serving_default": module.__call__})


@exported
def difference(target: Path) -> None:
    """Two inputs of one type, whose order counts: ``a``, ``b`` float32[?] → ``d`` = a - b."""
    import tensorflow as tf

    class Difference(tf.Module):
        @tf.function(
            input_signature=[
                tf.TensorSpec([None], tf.float32, name="a"),
                tf.TensorSpec([None], tf.float32, name="b"),
            ]
        )
        def __call__(self, a, b):
            return {"d": a - b}

    module = Difference()
    tf.saved_model.save(module, str(target), signatures={"serving_default": module.__call__})


@exported
def dtypes(target: Path) -> None:
    """Gives back what it takes: one input and one output of every dtype, each [?, 2]."""
    import tensorflow as tf

    from modelstream.convert.dtypes import DTYPES

    class Echo(tf.Module):
        @tf.function(
            input_signature=[{name: tf.TensorSpec([None, 2], name, name=name) for name in DTYPES}]
        )
        def __call__(self, tensors):
            return {f"{name}_out": tf.identity(tensor) for name, tensor in tensors.items()}

    module = Echo()
    tf.saved_model.save(module, str(target), signatures={"serving_default": module.__call__})


@exported
def mean_colour(target: Path) -> None:
    """``image`` float32[?, 8, 8, 3] → ``colour`` float32[?, 3], the mean of its pixels."""
    import tensorflow as tf

    class MeanColour(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None, 8, 8, 3], tf.float32, name="image")])
        def __call__(self, image):
            return {"colour": tf.reduce_mean(image, axis=[1, 2])}

    module = MeanColour()
    tf.saved_model.save(module, str(target), signatures={"serving_default": module.__call__})


@exported
def counter(target: Path) -> None:
    """A model with a variable: ``increment`` and ``reset`` take nothing, ``add`` one ``delta``."""
    import tensorflow as tf

    class Counter(tf.Module):
        def __init__(self) -> None:
            super().__init__()
            self.count = tf.Variable(0.0)

        @tf.function(input_signature=[])
        def increment(self):
            return {"count": self.count.assign_add(1.0)}

        @tf.function(input_signature=[tf.TensorSpec([], tf.float32, name="delta")])
        def add(self, delta):
            return {"count": self.count.assign_add(delta)}

        @tf.function(input_signature=[])
        def reset(self):
            return {"count": self.count.assign(0.0)}

    module = Counter()
    names = ("increment", "add", "reset")
    signatures = {name: getattr(module, name) for name in names}
    tf.saved_model.save(module, str(target), signatures=signatures)


@exported
def picky(target: Path) -> None:
    """``x`` float32[?] → ``root`` float32[?]; a negative value makes the whole call fail."""
    import tensorflow as tf

    class Picky(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def __call__(self, x):
            with tf.control_dependencies([tf.debugging.assert_non_negative(x, "x is negative")]):
                return {"root": tf.sqrt(x)}

    module = Picky()
    tf.saved_model.save(module, str(target), signatures={"serving_default": module.__call__})


@exported
def fixed_batch(target: Path) -> None:
    """``x`` float32[4, 2] → ``y`` float32[4]: exported for batches of exactly four."""
    import tensorflow as tf

    class Fixed(tf.Module):
        @tf.function(input_signature=[tf.TensorSpec([4, 2], tf.float32, name="x")])
        def __call__(self, x):
            return {"y": tf.reduce_sum(x, axis=1)}

    module = Fixed()
    tf.saved_model.save(module, str(target), signatures={"serving_default": module.__call__})


@exported
def versions(target: Path) -> None:
    """TensorFlow Serving's layout: ``1/`` … ``10/`` under one directory, and something else."""
    for version in (1, 2, 10):
        shutil.copytree(shout(), target / str(version))
    (target / "README").write_text("not a model")
