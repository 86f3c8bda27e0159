"""Models that take ragged tensors, exported here by both of TensorFlow's exporters."""

from pathlib import Path

from tests.support.models import exported


@exported
def bags(target: Path) -> None:
    """Signatures of one ragged input each, of every kind, traced as methods of the module.

    ``sum``: ``x`` float32 → ``sum``, and ``doubled``, which is ragged; ``deep``: ``ids`` int64 of
    rank 2 with int32 splits → ``sum``; ``join``: ``words`` string → ``joined``, ``count``;
    ``points``: ``points`` float32[?, ?, 3] and ``weight`` float32[?] → ``sum``; ``four``: ``x`` in
    batches of four → ``sum``; ``pairs``: ``x`` float32[?, 2, ?] → ``sum``; ``first``: ``x`` float32
    → ``first``, which an empty row does not have.
    """
    import tensorflow as tf

    def ragged(*shape, dtype=tf.float32, rank=1, splits=tf.int64):
        return tf.RaggedTensorSpec(shape, dtype, rank, splits)

    weight = tf.TensorSpec([None], tf.float32, name="weight")

    class Bags(tf.Module):
        @tf.function(input_signature=[ragged(None, None)])
        def sum(self, x):
            return {"sum": tf.reduce_sum(x, 1), "doubled": x * 2.0}

        @tf.function(
            input_signature=[ragged(None, None, None, dtype=tf.int64, rank=2, splits=tf.int32)]
        )
        def deep(self, ids):
            return {"sum": tf.reduce_sum(ids, [1, 2])}

        @tf.function(input_signature=[ragged(None, None, dtype=tf.string)])
        def join(self, words):
            return {"joined": tf.strings.reduce_join(words, 1), "count": words.row_lengths()}

        @tf.function(input_signature=[ragged(None, None, 3), weight])
        def points(self, points, weight):
            return {"sum": tf.reduce_sum(points, [1, 2]) * weight}

        @tf.function(input_signature=[ragged(4, None)])
        def four(self, x):
            return {"sum": tf.reduce_sum(x, 1)}

        @tf.function(input_signature=[ragged(None, 2, None, rank=2)])
        def pairs(self, x):
            return {"sum": tf.reduce_sum(x, [1, 2])}

        @tf.function(input_signature=[ragged(None, None)])
        def first(self, x):
            return {"first": tf.gather(x.flat_values, x.row_starts())}

    module = Bags()
    names = ("sum", "deep", "join", "points", "four", "pairs", "first")
    signatures = {name: getattr(module, name) for name in names}
    tf.saved_model.save(module, str(target), signatures=signatures)


@exported
def detached(target: Path) -> None:
    """``sum`` and ``deep`` of a function that is no attribute of what is saved.

    The exporter then leaves its traced signature out. ``lists`` takes two plain tensors in one
    argument, ``x`` and ``x_1``, which look like the pieces of a ragged one.
    """
    import tensorflow as tf

    deep = tf.RaggedTensorSpec([None, None, None], tf.int64, 2, tf.int64)

    @tf.function(input_signature=[tf.RaggedTensorSpec([None, None], tf.float32)])
    def summed(x):
        return {"sum": tf.reduce_sum(x, 1)}

    @tf.function(input_signature=[deep])
    def summed_deep(ids):
        return {"sum": tf.reduce_sum(ids, [1, 2])}

    @tf.function(input_signature=[[tf.TensorSpec([None]), tf.TensorSpec([None], tf.int64)]])
    def lists(x):
        return {"y": x[0] + tf.cast(x[1], tf.float32)}

    signatures = {"sum": summed, "deep": summed_deep, "lists": lists}
    tf.saved_model.save(tf.Module(), str(target), signatures=signatures)


@exported
def lookalikes(target: Path) -> None:
    """``x`` float32[?] and ``x_1`` int64[?], two plain tensors in one argument of each signature.

    They are what a ragged tensor is made from (``lengths``, ``rowids``, ``starts``, ``limits``), or
    feed operations with ragged in their names (``gather``, ``scope``). No trace is kept.
    """
    import tensorflow as tf

    pair = [tf.TensorSpec([None]), tf.TensorSpec([None], tf.int64)]
    functions = {}

    def signature(function):
        traced = tf.function(lambda x: {"y": function(*x)}, input_signature=[pair])
        functions[function.__name__] = traced

    @signature
    def lengths(values, lengths):
        return tf.reduce_sum(tf.RaggedTensor.from_row_lengths(values, lengths), 1)

    @signature
    def rowids(values, ids):
        return tf.reduce_sum(tf.RaggedTensor.from_value_rowids(values, ids, validate=False), 1)

    @signature
    def starts(values, starts):
        return tf.RaggedTensor.from_row_starts(values, starts).to_tensor()

    @signature
    def limits(values, limits):
        return tf.reduce_mean(tf.RaggedTensor.from_row_limits(values, limits), 1)

    @signature
    def gather(values, ids):
        rows = tf.gather(tf.ragged.constant([[1.0], [2.0, 3.0]]), ids)
        return tf.reduce_sum(rows, 1) + values

    @signature
    def scope(values, numbers):
        with tf.name_scope("ragged_model"):
            return values + tf.cast(numbers, tf.float32)

    tf.saved_model.save(tf.Module(), str(target), signatures=functions)


@exported
def several(target: Path) -> None:
    """One argument, a dictionary with two ragged tensors and a dense one → ``sum``."""
    import tensorflow as tf

    inputs = {
        "a": tf.RaggedTensorSpec([None, None], tf.float32),
        "b": tf.TensorSpec([None], tf.float32),
        "c": tf.RaggedTensorSpec([None, None], tf.int64),
    }

    class Several(tf.Module):
        @tf.function(input_signature=[inputs])
        def __call__(self, inputs):
            sums = [tf.reduce_sum(inputs["a"], 1), inputs["b"]]
            return {"sum": sum(sums) + tf.cast(tf.reduce_sum(inputs["c"], 1), tf.float32)}

    module = Several()
    tf.saved_model.save(module, str(target), signatures={"serving_default": module.__call__})


@exported
def pieces(target: Path) -> None:
    """``values`` float32[?] and ``row_splits`` int64[?], two plain inputs → ``sum`` float32[?]."""
    import tensorflow as tf

    values = tf.TensorSpec([None], tf.float32, name="values")
    splits = tf.TensorSpec([None], tf.int64, name="row_splits")

    class Pieces(tf.Module):
        @tf.function(input_signature=[values, splits])
        def __call__(self, values, row_splits):
            return {"sum": tf.reduce_sum(tf.RaggedTensor.from_row_splits(values, row_splits), 1)}

    module = Pieces()
    tf.saved_model.save(module, str(target), signatures={"serving_default": module.__call__})


@exported
def tf1(target: Path) -> None:
    """A TF1 export, whose signature has the ragged tensor whole: ``x`` → ``sum``, ``doubled``."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        x = v1.ragged.placeholder(tf.float32, 1, [], name="x")
        signature = v1.saved_model.signature_def_utils.predict_signature_def(
            {"x": x}, {"sum": tf.reduce_sum(x, 1), "doubled": x * 2.0}
        )
        builder = v1.saved_model.Builder(str(target))
        builder.add_meta_graph_and_variables(
            session, ["serve"], signature_def_map={"serving_default": signature}
        )
        builder.save()


@exported
def methods(target: Path) -> None:
    """``words`` ragged string → ``scores`` float32[?, 2]; ``regress``: → ``outputs`` float32[?].

    The scores are of the labels long and short. More than 8 characters make ``regress`` fail.
    """
    import tensorflow as tf

    words = tf.RaggedTensorSpec([None, None], tf.string)

    class Methods(tf.Module):
        @tf.function(input_signature=[words])
        def classify(self, words):
            lengths = tf.cast(words.row_lengths(), tf.float32)
            return {"scores": tf.stack([lengths - 1.5, 1.5 - lengths], 1)}

        @tf.function(input_signature=[words])
        def regress(self, words):
            characters = tf.reduce_sum(tf.strings.length(words), 1)
            with tf.control_dependencies([tf.debugging.assert_less(characters, 9, "too long")]):
                return {"outputs": tf.cast(characters, tf.float32)}

    module = Methods()
    signatures = {"serving_default": module.classify, "regress": module.regress}
    tf.saved_model.save(module, str(target), signatures=signatures)


@exported
def keras_ragged(target: Path) -> None:
    """A Keras file, net.keras: ``ids`` ragged int64 → an embedding, its mean, ``score``."""
    import keras

    keras.utils.set_random_seed(1)
    layers = keras.layers
    ids = keras.Input((None,), dtype="int64", ragged=True, name="ids")
    mean = layers.GlobalAveragePooling1D()(layers.Embedding(10, 4)(ids))
    target.mkdir()
    keras.Model(ids, layers.Dense(1, name="score")(mean)).save(target / "net.keras")
