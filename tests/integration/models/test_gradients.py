"""Whoever traces a gradient function gives it back: TensorFlow itself keeps it for ever."""

import gc
import threading
import weakref

import pytest
import tensorflow as tf
from tensorflow.python.framework import ops

from modelstream.models import GraphDefModel, KerasModel, TensorFlowOptions, TensorSpec
from modelstream.models.gradients import tied_gradients
from modelstream.models.loaded import load, tensorflow_loaders

X = [tf.TensorSpec([None, 2], tf.float32, "x")]


class Silu(tf.Module):
    """Its activation is a ``tf.custom_gradient``."""

    def __init__(self):
        self.weights = tf.Variable([[1.0], [2.0]])

    @tf.function(input_signature=X)
    def __call__(self, x):
        return tf.nn.silu(x @ self.weights)


def registered():
    return set(ops.gradient_registry.list())


def slope(module):
    with tf.GradientTape() as tape:
        y = module(tf.constant([[1.0, 2.0]]))
    return tape.gradient(y, module.weights).numpy().tolist()


def saved(path):
    tf.saved_model.save(Silu(), str(path))
    return path


def by_the_v2_loader(directory):
    path = saved(directory / "silu")
    only = {"v2 loader": tensorflow_loaders()["v2 loader"]}
    return lambda: load(path, ("serve",), TensorFlowOptions(), lambda: only).close()


def from_keras(directory):
    layers = [tf.keras.Input((4,)), tf.keras.layers.Dense(2, activation="silu")]
    tf.keras.Sequential(layers).save(directory / "silu.keras")

    def opened():
        with KerasModel(directory / "silu.keras").open():
            pass

    return opened


def frozen(directory):
    features = {"features": TensorSpec("float32", (None,))}
    return lambda: GraphDefModel.from_function(tf.nn.silu, features)


@pytest.mark.parametrize("prepared", [by_the_v2_loader, from_keras, frozen])
def test_what_a_model_registers_is_gone_with_it(prepared, tmp_path):
    opened = prepared(tmp_path)
    before = registered()
    opened()
    gc.collect()
    assert registered() - before == set()


def test_what_a_saved_model_brings_differentiates_it_as_long_as_it_is_there(tmp_path):
    saved(tmp_path / "silu")
    expected, before = slope(Silu()), registered()
    with tied_gradients():
        module = tf.saved_model.load(str(tmp_path / "silu"))
    gc.collect()
    assert slope(module) == expected
    gone = weakref.ref(module.weights)
    del module
    gc.collect()
    assert gone() is None
    assert registered() - before == set()


def test_a_function_that_others_call_too_keeps_its_gradient():
    @tf.function(input_signature=X)
    def shared(x):
        return tf.nn.silu(x)

    with tied_gradients():
        tf.function(lambda x: 2 * shared(x), input_signature=X).get_concrete_function()
    gc.collect()
    x = tf.constant([[1.0, 2.0]])
    with tf.GradientTape() as tape, tf.GradientTape() as alone:
        tape.watch(x)
        alone.watch(x)
        y, expected = shared(x), tf.nn.silu(x)
    assert tape.gradient(y, x).numpy().tolist() == alone.gradient(expected, x).numpy().tolist()


def test_what_is_registered_elsewhere_stays_as_tensorflow_keeps_it():
    def elsewhere():
        tf.function(tf.nn.silu).get_concrete_function(*X)

    before = registered()
    with tied_gradients():
        thread = threading.Thread(target=elsewhere)
        thread.start()
        thread.join()
    elsewhere()
    gc.collect()
    assert len(registered() - before) == 2
