"""Variables of open models, saved and restored."""

import numpy as np
import pytest
from tests.support import models

from modelstream.errors import ModelError, ModelLoadError, ModelNotFoundError
from modelstream.models import (
    CallableModel,
    GraphDefModel,
    KerasModel,
    SavedModel,
    Saver,
    TensorFlowOptions,
    TensorSpec,
    warm_up,
)
from modelstream.models.loaded import load, tensorflow_loaders

X = {"x": TensorSpec("float32", (None,))}


def test_a_counter_goes_on_from_where_it_was_saved(tmp_path):
    model = SavedModel(models.counter())
    with model.open() as opened:
        opened.predict("add", delta=2.5)
        saved = Saver(opened).save(tmp_path / "new" / "counter")
        assert opened.predict("increment")["count"] == 3.5
        Saver(opened).restore(saved)
        assert opened.predict("increment")["count"] == 3.5
    with model.open() as again:
        assert again.predict("increment")["count"] == 1
        Saver(again).restore(tmp_path / "new" / "counter")
        assert again.predict("increment")["count"] == 3.5


def test_a_tf1_model_learns_another_slope_and_forgets_it(tmp_path):
    """What flink-tensorflow's test of its saver did: a from 0.5 to 9 and back."""
    with SavedModel(models.half_plus_two()).open() as opened:
        saver = Saver(opened)
        before = saver.save(tmp_path / "before")
        session = opened.engine.session
        (slope,) = [op for op in session.graph.get_operations() if op.name == "a/Assign"]
        session.run(slope, {slope.inputs[1]: 9.0})
        assert opened.predict(x=[[1.0]])["y"] == 11
        steep = saver.save(tmp_path / "steep")
        saver.restore(before)
        assert opened.predict(x=[[1.0]])["y"] == 2.5
        saver.restore(steep)
        assert opened.predict(x=[[1.0]])["y"] == 11


def test_the_v2_loader_saves_and_restores_too(tmp_path):
    model = SavedModel(models.counter())
    only = {"v2 loader": tensorflow_loaders()["v2 loader"]}
    loaded = load(model.path, model.tags, TensorFlowOptions(), lambda: only)
    loaded.predict("add", delta=2.0)
    saved = Saver(loaded).save(tmp_path / "run[1]" / "counter")
    loaded.predict("reset")
    Saver(loaded).restore(saved)
    assert loaded.predict("increment")["count"] == 3
    loaded.close()


def test_the_weights_of_a_keras_model(tmp_path):
    rows = {"a": [[1.0, 2.0, 3.0, 4.0]], "b": [[1, 2]]}
    with KerasModel(models.keras_files() / "net.keras").open() as opened:
        before = opened.predict(**rows)["score"]
        saved = Saver(opened).save(tmp_path / "weights[1]")
        for variable in opened.engine._model.trainable_variables:
            variable.assign(variable + 1)
        assert not np.allclose(opened.predict(**rows)["score"], before)
        Saver(opened).restore(saved)
        np.testing.assert_array_equal(opened.predict(**rows)["score"], before)


def test_a_signature_that_counts_is_stateful_and_stays_cold():
    model = SavedModel(models.counter())
    assert {name for name, each in model.signatures.items() if each.stateful} == {
        "increment",
        "add",
        "reset",
    }
    assert not any(each.stateful for each in SavedModel(models.guesslang()).signatures.values())
    assert not any(each.stateful for each in SavedModel(models.half_plus_two()).signatures.values())
    with model.open() as opened:
        warm_up(opened, "increment")
        assert opened.predict("increment")["count"] == 1


def test_what_has_no_variables_says_so(tmp_path):
    graph = GraphDefModel.from_function(lambda x: 2 * x, X)
    plain = CallableModel(lambda x: x, X, {"y": X["x"]})
    for model in (graph, plain):
        with model.open() as opened, pytest.raises(ModelError, match="has no variables to save"):
            Saver(opened)
    refused = pytest.raises(ModelError, match="exported without variables")
    with SavedModel(models.sparse()).open() as opened, refused:
        Saver(opened).save(tmp_path / "nothing")


def test_a_checkpoint_that_is_not_there_or_of_another_model(tmp_path):
    with SavedModel(models.mlp()).open() as opened:
        other = Saver(opened).save(tmp_path / "mlp")
    with SavedModel(models.counter()).open() as opened:
        with pytest.raises(ModelNotFoundError, match=r"no checkpoint .*none \(none\.index\)"):
            Saver(opened).restore(tmp_path / "none")
        with pytest.raises(ModelLoadError, match="cannot be restored"):
            Saver(opened).restore(other)
