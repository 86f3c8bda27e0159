"""Models in Keras' own files: each output under a name of its own, state, and what is refused."""

import subprocess
import sys
import zipfile
from functools import partial

import keras
import numpy as np
import pytest

from modelstream.errors import ModelFormatError, ModelLoadError
from modelstream.models import (
    DEFAULT_SIGNATURE,
    KerasModel,
    Predict,
    SavedModel,
    TensorFlowOptions,
    keras_config,
)
from modelstream.models.keras_engine import KerasEngine
from modelstream.models.warmup import warm_up

layers = keras.layers
ROWS = np.random.default_rng(1).random((2, 4, 3), np.float32)


@pytest.fixture(autouse=True)
def seed():
    keras.utils.set_random_seed(1)


def series():
    return keras.Input((4, 3), name="x")


def states():
    x = series()
    return keras.Model(x, layers.LSTM(2, return_state=True, name="enc")(x))


def twins():
    x, dense = series(), layers.Dense(2, name="emb")
    return keras.Model(x, [dense(x), dense(layers.Rescaling(-1.0)(x))])


def nested():
    x = series()
    dense = [layers.Dense(1, name=name)(x) for name in "abc"]
    return keras.Model(x, {"a": dense[0], "more": [dense[1], dense[2]]})


def colliding():
    x = series()
    dense = [layers.Dense(1, name=name)(x) for name in "abc"]
    return keras.Model(x, {"a_0": dense[0], "a": [dense[1], dense[2]]})


def apart():
    x = series()
    return keras.Model(x, [layers.Dense(1, name="a")(x), layers.Dense(2, name="b")(x)])


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(
    ("make", "names"),
    [
        pytest.param(states, ["output_0", "output_1", "output_2"], id="states"),
        pytest.param(twins, ["output_0", "output_1"], id="shared layer"),
        pytest.param(nested, ["a", "more_0", "more_1"], id="list in a dict"),
        pytest.param(colliding, ["output_0", "output_1", "output_2"], id="names that collide"),
        pytest.param(apart, ["a", "b"], id="layers of their own"),
    ],
)
def test_every_output_has_a_name_of_its_own(tmp_path, make, names, suffix):
    model, path = make(), tmp_path / f"net{suffix}"
    model.save(path)
    wanted = keras.tree.flatten(model(ROWS))
    ours = KerasModel(path)
    assert list(ours.signatures[DEFAULT_SIGNATURE].outputs) == names
    with ours.open() as opened:
        found = opened.predict(x=ROWS)
    for name, each in zip(names, wanted, strict=True):
        np.testing.assert_allclose(found[name], each, rtol=1e-5, atol=1e-6)


def test_outputs_of_one_layer_are_called_as_keras_exports_them(tmp_path):
    model = states()
    model.save(tmp_path / "net.keras")
    model.export(str(tmp_path / "exported"), verbose=False)
    of_file, of_export = KerasModel(tmp_path / "net.keras"), SavedModel(tmp_path / "exported")
    names = [list(each.signatures[DEFAULT_SIGNATURE].outputs) for each in (of_file, of_export)]
    assert names[0] == names[1]


def carrying():
    x = keras.Input(batch_shape=(1, 4, 3), name="x")
    return keras.Model(x, layers.Dense(1)(layers.LSTM(2, stateful=True)(x)))


def carrying_both_ways():
    x = keras.Input(batch_shape=(1, 4, 3), name="x")
    return keras.Model(x, layers.Dense(1)(layers.Bidirectional(layers.GRU(2, stateful=True))(x)))


def carrying_inside():
    x = keras.Input(batch_shape=(1, 4, 3), name="x")
    return keras.Model(x, layers.Dense(1)(carrying()(x)))


@pytest.mark.parametrize(
    ("make", "suffix"),
    [
        pytest.param(carrying, ".keras", id="keras"),
        pytest.param(carrying, ".h5", id="h5"),
        pytest.param(carrying_both_ways, ".keras", id="wrapped"),
        pytest.param(carrying_both_ways, ".h5", id="wrapped in h5"),
        pytest.param(carrying_inside, ".keras", id="inside"),
    ],
)
def test_a_model_with_state_says_so_and_is_not_warmed(tmp_path, make, suffix):
    path = tmp_path / f"net{suffix}"
    make().save(path)
    model = KerasModel(path)
    assert model.signatures[DEFAULT_SIGNATURE].stateful
    results = []
    for warm in (False, True):
        with model.open() as opened:
            if warm:
                warm_up(opened, DEFAULT_SIGNATURE)
            results.append([opened.predict(x=ROWS[:1]) for _ in range(2)])
    (first, second), (warmed, _) = [
        [next(iter(each.values())) for each in calls] for calls in results
    ]
    np.testing.assert_allclose(first, warmed, rtol=1e-6)
    assert not np.allclose(first, second)


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
def test_a_recurrent_layer_with_dropout_has_no_state(tmp_path, suffix):
    """It moves a random generator on in each call, and uses what it draws in training alone."""
    x = series()
    model = keras.Model(x, layers.Bidirectional(layers.GRU(2, dropout=0.2))(x))
    model.save(tmp_path / f"net{suffix}")
    model.export(str(tmp_path / "exported"), verbose=False)
    for each in (KerasModel(tmp_path / f"net{suffix}"), SavedModel(tmp_path / "exported")):
        assert not each.signatures[DEFAULT_SIGNATURE].stateful


@pytest.mark.parametrize(
    ("last", "probable"),
    [
        pytest.param([layers.Dense(1, activation="sigmoid")], True, id="dense"),
        pytest.param([layers.Dense(1), layers.Activation("sigmoid")], True, id="activation"),
        pytest.param([layers.Dense(1, activation="sigmoid"), layers.Flatten()], True, id="flat"),
        pytest.param(
            [layers.Dense(1, activation="sigmoid"), layers.Activation("linear")], True, id="as"
        ),
        pytest.param(
            [layers.Dense(1, activation="sigmoid"), layers.Rescaling(2.0)], False, id="scaled"
        ),
        pytest.param([layers.Dense(1)], False, id="linear"),
        pytest.param([layers.Dense(1, activation="tanh")], False, id="tanh"),
    ],
)
def test_the_file_tells_of_a_probability_what_keras_tells(tmp_path, last, probable):
    path = tmp_path / "net.keras"
    fresh = [type(each).from_config(each.get_config()) for each in last]
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2), *fresh])
    model(np.zeros((1, 4), np.float32))
    model.save(path)
    engine = KerasEngine(path, TensorFlowOptions())
    assert keras_config.described(path) in (None, engine.described)  # None asks the engine
    engine.close()
    model.export(str(tmp_path / "exported"), verbose=False)
    of_file, of_export = KerasModel(path), SavedModel(tmp_path / "exported")
    told = [bool(each.signatures[DEFAULT_SIGNATURE].probabilities) for each in (of_file, of_export)]
    assert told == [probable] * 2


def both_ways():
    x = series()
    return keras.Model(x, layers.Bidirectional(layers.LSTM(2, return_state=True))(x))


def inner_twice():
    i, x = keras.Input((4, 3)), series()
    inner = keras.Model(i, [layers.Dense(1)(i), layers.Dense(2)(i)])
    return keras.Model(x, [*inner(x), *inner(layers.Rescaling(2.0)(x))])


def inputs_in_a_dict():
    b, a = keras.Input((4, 3), name="b"), keras.Input((4, 3), name="a")
    both = layers.Subtract()([a, b])
    return keras.Model({"b": b, "a": a}, {"z": layers.Dense(1)(both), "y": layers.ReLU()(a)})


def same_twice():
    x = series()
    y = layers.Dense(1, name="y")(x)
    return keras.Model(x, [y, x, y])


def integers():
    x = keras.Input((4, 3), dtype="int32", name="x")
    return keras.Model(x, layers.Flatten()(x))


def bins():
    cut = layers.Discretization(bin_boundaries=[0.3, 0.6])
    return keras.Sequential([series(), cut, layers.Flatten()])


def of(size):
    x = keras.Input(batch_shape=(size, 4, 3), name="x")
    return keras.Model(x, [layers.Dense(2, name="a")(x), layers.Flatten(name="b")(x)])


def half():
    return keras.Sequential([series(), layers.Dense(2, dtype="mixed_float16")])


@pytest.mark.parametrize("suffix", [".keras", ".h5"])
@pytest.mark.parametrize(
    "make",
    [
        *(both_ways, inner_twice, inputs_in_a_dict, same_twice, integers, bins, half),
        *(partial(of, 1), partial(of, 4)),
    ],
    ids=["both ways", "inner twice", "dict", "same", "integers", "bins", "half", "of 1", "of 4"],
)
def test_a_model_gives_what_keras_gives_for_any_number_of_records(tmp_path, make, suffix):
    path = tmp_path / f"net{suffix}"
    model = make()
    model.save(path)
    ours = KerasModel(path)
    found = ours.signatures[DEFAULT_SIGNATURE]
    size = found.inputs[next(iter(found.inputs))].batch or 5
    scale = 9 if "int" in str(found) else 1
    rows = {
        name: (np.resize(ROWS, (5, 4, 3)) * scale + at).astype(spec.dtype)
        for at, (name, spec) in enumerate(found.inputs.items())
    }
    whole = {each.name: np.resize(rows[each.name], (size, 4, 3)) for each in model.inputs}
    structure = getattr(model, "_inputs_struct", "x")
    packed = keras.tree.pack_sequence_as(structure, list(whole.values()))
    wanted = keras.tree.flatten(model(packed, training=False))
    bound = Predict().bind(ours)
    with ours.open() as opened:
        given = {name: list(each) for name, each in rows.items()}
        columns = bound.read(bound.run(opened, bound.encode(given)), 5)
        assert len(opened.predict(**given)) == len(wanted)
    for each, (name, spec) in zip(wanted, found.outputs.items(), strict=True):
        assert np.asarray(each).dtype == spec.dtype
        rest = min(size, 5)
        read = np.array(list(columns[name])[:rest], np.float64)
        np.testing.assert_allclose(read, np.asarray(each, np.float64)[:rest], rtol=1e-3, atol=1e-3)


CUSTOM = """
import keras, sys
class Plus(keras.layers.Layer):
    def call(self, x):
        return x + 1
kinds = {"lambda": lambda: keras.layers.Lambda(lambda v: v * 2), "own": Plus}
for name, kind in kinds.items():
    x = keras.Input((2,), name="x")
    keras.Model(x, keras.layers.Dense(1)(kind()(x))).save(f"{sys.argv[1]}/{name}.keras")
"""


def test_code_that_a_file_names_and_does_not_hold_is_refused_with_a_way_out(tmp_path):
    subprocess.run([sys.executable, "-c", CUSTOM, str(tmp_path)], check=True, capture_output=True)
    for name, said in (("lambda", "a Lambda layer"), ("own", "the class 'Plus'")):
        with pytest.raises(ModelLoadError, match=rf"{said}.*model\.export\(DIR\)") as caught:
            KerasModel(tmp_path / f"{name}.keras")
        assert "safe_mode" not in str(caught.value)


def test_weights_without_a_model_say_how_the_model_is_written(tmp_path):
    path = tmp_path / "net.weights.h5"
    apart().save_weights(path)
    with pytest.raises(ModelLoadError, match=r"holds weights and no model: .*model\.export"):
        KerasModel(path)


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("lost", ["model.weights.h5", "config.json"])
def test_an_archive_that_is_not_whole_is_told_so(tmp_path, lost, cut):
    whole, path = tmp_path / "whole.keras", tmp_path / "net.keras"
    apart().save(whole)
    with zipfile.ZipFile(whole) as source, zipfile.ZipFile(path, "w") as target:
        for name in source.namelist():
            if name != lost:
                target.writestr(name, source.read(name))
            elif cut:
                target.writestr(name, b"{")
    with pytest.raises(ModelFormatError, match="was it copied completely"), KerasModel(path).open():
        pass
