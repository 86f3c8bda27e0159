"""TF1 style: a graph, a session and the builder."""

from pathlib import Path

from tests.support.models.exporting import exported, exports


@exported
def half_plus_two(target: Path) -> None:
    """TensorFlow Serving's first model: tf.train.Example bytes with ``x`` → 0.5 x + 2.

    Signatures regress_x_to_y (regress), classify_x_to_y (classify) and serving_default (predict,
    ``x`` float32[?, 1]); its version string is one that today's loaders cannot read; an init op
    fills a variable from an asset.
    """
    import tensorflow as tf

    v1 = tf.compat.v1
    asset = exports() / "two.txt"
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
    vocabulary = exports() / "colours.txt"
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
