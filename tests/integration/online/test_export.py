"""Published weights as a SavedModel."""

import gc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from tests.support.online import dense, learner, logistic, nondeterministic

from modelstream import OnlineModel, SavedModel, export


@pytest.mark.parametrize(
    "model", [pytest.param(logistic, id="tf.Module"), pytest.param(dense, id="Keras")]
)
def test_published_weights_become_a_saved_model(
    model: Callable[[], OnlineModel], tmp_path: Path
) -> None:
    x = np.random.default_rng(1).normal(size=(8, 2)).astype(np.float32)
    made = learner(model())
    memory = made.begin()
    assert made.learn(memory.weights, [x], [np.float32(x[:, 0] > x[:, 1])])
    export(model(), memory.published(), tmp_path / "exported")
    with SavedModel(tmp_path / "exported").open() as opened:
        served = opened.predict(x=x)["score"]
    np.testing.assert_allclose(served, made.predict(memory.weights, [x])[0][:, 0], rtol=1e-6)


def test_an_export_leaves_nothing_behind(tmp_path: Path) -> None:
    from tensorflow.python.framework import ops

    weights = learner(dense()).begin().published()
    gc.collect()
    before = set(ops.gradient_registry.list())
    export(dense(), weights, tmp_path / "exported")
    assert set(ops.gradient_registry.list()) - before == set()


def test_an_export_leaves_the_operations_of_its_process_as_they_are(tmp_path: Path) -> None:
    weights = learner(logistic()).begin().published()
    with nondeterministic():
        pass
    export(logistic(), weights, tmp_path / "exported")
    from tensorflow.python.framework import config

    assert not config.is_op_determinism_enabled()
