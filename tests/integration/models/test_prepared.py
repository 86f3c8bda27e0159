"""Graphs that a loader took and left empty: refused when they open, not by each record."""

import pytest
import tensorflow as tf

from modelstream.errors import ModelLoadError
from modelstream.models import GraphDefModel
from modelstream.models.prepared import check_prepared


def table(keys):
    initializer = tf.lookup.KeyValueTensorInitializer(
        tf.constant(keys, tf.string), tf.range(len(keys), dtype=tf.int64)
    )
    return tf.lookup.StaticHashTable(initializer, -1)


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.compat.v1.Session() as opened:
        yield opened


@pytest.mark.parametrize("resource", [True, False], ids=["resource", "reference"])
def test_a_variable_without_a_value_is_named(session, resource):
    full = tf.compat.v1.get_variable("full", [2], use_resource=resource)
    bare = tf.compat.v1.get_variable("bare", [2], use_resource=resource)
    session.run(full.initializer)
    check_prepared(session, [full * 2.0])
    with pytest.raises(ModelLoadError, match=r"what its outputs need: bare$"):
        check_prepared(session, [full + bare])


def test_a_table_that_nothing_has_filled_is_named(session):
    words = table(["cat"])
    found = words.lookup(tf.constant(["cat"]))
    with pytest.raises(ModelLoadError, match=r"what its outputs need: hash_table"):
        check_prepared(session, [found])
    session.run(tf.compat.v1.tables_initializer())
    check_prepared(session, [found])


def test_a_graph_that_was_never_frozen_does_not_open(session):
    x = tf.compat.v1.placeholder(tf.float32, [None], "x")
    tf.identity(x * tf.compat.v1.get_variable("w", [], use_resource=False), "y")
    content = session.graph.as_graph_def().SerializeToString()
    model = GraphDefModel(content, {"x": "x"}, {"y": "y"})
    with pytest.raises(ModelLoadError, match=r"what its outputs need: w"), model.open():
        pass
