"""The arithmetic in TensorFlow, held against a training loop without this library."""

import gc
import subprocess
import sys
import weakref
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from tests.support.memory import grown_mib
from tests.support.online import (
    dense,
    learned_alone,
    learner,
    logistic,
    square_root,
)

from modelstream import OnlineModel, TensorSpec
from modelstream.errors import ModelError, OptionError, SignatureMismatchError, StateError
from modelstream.online.memory import Memory
from modelstream.online.prequential import Prequential

MODELS = [pytest.param(logistic, id="tf.Module"), pytest.param(dense, id="Keras")]


def records(count: int) -> list[dict[str, Any]]:
    x = np.random.default_rng(1).normal(size=(count, 2)).astype(np.float32)
    return [{"id": at, "x": row.tolist(), "y": float(row[0] > row[1])} for at, row in enumerate(x)]


def batches(given: list[dict[str, Any]], size: int = 8) -> list[Any]:
    x = np.float32([record["x"] for record in given]).reshape(-1, size, 2)
    return list(
        zip(x, np.float32([record["y"] for record in given]).reshape(-1, size), strict=True)
    )


class Run:
    def __init__(self, definition: OnlineModel) -> None:
        self.learner = learner(definition)
        fields = ["id", *definition.inputs, *definition.labels]
        self.loop = Prequential(definition, self.learner, fields, ["id"])

    def memory(self) -> Memory:
        begun: Memory = self.learner.begin()
        return begun

    def take(self, memory: Memory, given: list[dict[str, Any]]) -> list[Any]:
        return [
            each
            for record in given
            for each in self.loop.take(memory, tuple(record.values())).scored
        ]


@pytest.mark.parametrize("model", MODELS)
def test_what_is_learned_is_bit_equal_to_a_plain_loop(model: Callable[[], OnlineModel]) -> None:
    run, given = Run(model()), records(80)
    memory = run.memory()
    run.take(memory, given)
    assert memory.updates == 10
    alone = learned_alone(model(), batches(given))
    assert [each.tobytes() for each in memory.weights.arrays[: len(alone)]] == [
        each.tobytes() for each in alone
    ]


@pytest.mark.parametrize(
    ("model", "restarts"),
    [  # at every place of a batch of 8, and of a model that takes long to build at three
        pytest.param(logistic, {*range(0, 60, 7)}, id="tf.Module"),
        pytest.param(dense, {0, 21, 39}, id="Keras"),
    ],
)
def test_keys_that_take_turns_do_not_see_each_other_nor_a_restart(
    model: Callable[[], OnlineModel], restarts: set[int]
) -> None:
    run, given = Run(model()), records(60)
    alone, first, second = run.memory(), run.memory(), run.memory()
    run.take(alone, given)
    for at, record in enumerate(given):
        run.take(first, [record])
        run.take(second, [record])
        if at in restarts:  # another worker has only the bytes
            held = first.to_bytes(), second.to_bytes()
            run = Run(model())
            first, second = map(Memory.from_bytes, held)
    assert first.to_bytes() == second.to_bytes() == alone.to_bytes()


def test_an_update_that_is_not_finite_changes_no_bit() -> None:
    run = Run(dense())
    memory = run.memory()
    run.take(memory, records(20))
    before = memory.to_bytes()
    x, y = batches(records(8))[0]
    x[3, 1] = np.inf
    assert not run.learner.learn(memory.weights, [x], [y])
    assert memory.to_bytes() == before


def test_a_record_whose_gradient_is_nan_leaves_its_batch() -> None:
    run = Run(square_root())
    memory = run.memory()
    refused = []
    for x in (1.0, 4.0, 0.0, 9.0, -1.0):
        refused += run.loop.take(memory, (x, x, 0.0)).refused
    assert [(each.record["x"], each.failure.error_type) for each in refused] == [
        (0.0, "NotFinite"),
        (-1.0, "NotFinite"),
    ]
    assert (memory.updates, memory.records) == (1, 3)
    assert 0 < memory.weights.arrays[0] < 1


def test_random_numbers_of_the_program_are_left_alone() -> None:
    np.random.seed(5)
    expected = np.random.random()
    np.random.seed(5)
    learner(logistic())
    assert np.random.random() == expected


def test_weights_of_another_model_are_refused_by_name() -> None:
    three = replace(logistic(), inputs={"x": TensorSpec("float32", (None, 2))}, build=_wider)
    with pytest.raises(
        StateError, match=r"'logistic'.*float32\[2, 2\], in the state float32\[2, 1"
    ):
        learner(three).check(learner(logistic()).begin())


def _layers(*names: str | None) -> Callable[[], Any]:
    def build() -> Any:
        from tensorflow import keras

        layers = [keras.layers.Dense(2, name=name) for name in names]
        return keras.Sequential([*layers, keras.layers.Dense(1, activation="sigmoid")])

    return build


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        pytest.param(
            {"build": _layers("key", "query")}, "other names, or another order", id="order"
        ),
        pytest.param({"build": _layers("query", "value")}, "other names", id="name"),
        pytest.param({"optimizer": "adamax"}, "another optimizer than Adamax", id="optimizer"),
    ],
)
def test_weights_of_the_same_shapes_are_refused_where_they_mean_something_else(
    changed: dict[str, Any], message: str
) -> None:
    first = replace(logistic(), build=_layers("query", "key"), optimizer="adam")
    held = Memory.from_bytes(learner(first).begin().to_bytes())
    other = learner(replace(first, **changed))
    with pytest.raises(StateError, match=message):
        other.check(held)


def test_weights_are_known_again_whatever_else_the_process_has_built() -> None:
    model = replace(logistic(), build=_layers(None, None))
    held = Memory.from_bytes(learner(model).begin().to_bytes())
    again = learner(model)
    again.check(held)
    again.check(Memory.from_published(held.published()))


@pytest.mark.parametrize("model", MODELS)
def test_a_learner_that_is_closed_is_gone_without_the_collector(
    model: Callable[[], OnlineModel],
) -> None:
    made = learner(model())
    made.predict(made.begin().weights, [np.ones((1, 2), np.float32)])
    functions = made._predict, made._assess, made._update, made._assign, made._read
    parts = [weakref.ref(each) for each in (made._network, made._network._model, *functions)]
    parts += [weakref.ref(each.graph) for each in functions]
    parts += [weakref.ref(each) for each in made._variables]
    del functions
    gc.disable()
    try:
        made.close()
        assert [part() for part in parts] == [None] * len(parts)
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("model", "cycles"),
    [pytest.param(logistic, 20, id="tf.Module"), pytest.param(dense, 10, id="Keras")],
)
def test_nothing_leaks_over_open_and_close_cycles(
    model: Callable[[], OnlineModel], cycles: int
) -> None:
    """The graphs, if they stay, are more than 30 MiB after so many."""
    definition, ((x, y),) = model(), batches(records(8))

    def cycle() -> None:
        made = learner(definition)
        weights = made.begin().weights
        made.assess(weights, [x], [y])
        made.learn(weights, [x], [y])
        made.close()

    assert grown_mib(cycle, cycles, before=5) < 15


def test_the_options_of_a_process_are_those_of_its_first_model() -> None:
    program = (
        "import tensorflow as tf; from dataclasses import replace;"
        "from modelstream import TensorFlowOptions;"
        "from tests.support.online import learner, logistic;"
        "learner(replace(logistic(), options=TensorFlowOptions(intra_op=2, inter_op=1)));"
        "threading = tf.config.threading; print(threading.get_intra_op_parallelism_threads(),"
        "threading.get_inter_op_parallelism_threads())"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert ran.stdout.split() == ["2", "1"]


def _wider() -> Any:
    import tensorflow as tf

    class Wider(tf.Module):
        def __init__(self) -> None:
            self.weights = tf.Variable(tf.ones([2, 2]))
            self.bias = tf.Variable(tf.zeros([1]))

        def __call__(self, x: Any) -> Any:
            return tf.reduce_sum(x @ self.weights, 1) + self.bias

    return Wider()


def _nothing_to_learn() -> Any:
    import tensorflow as tf

    class Constant(tf.Module):
        def __call__(self, x: Any) -> Any:
            return x[:, 0]

    return Constant()


def _mean(y: Any, score: Any) -> Any:
    import tensorflow as tf

    return tf.reduce_mean((y - score) ** 2)


@pytest.mark.parametrize(
    ("changed", "error", "message"),
    [
        pytest.param(
            {"build": _nothing_to_learn}, ModelError, "trainable variables", id="nothing to learn"
        ),
        pytest.param({"loss": _mean}, ModelError, r"the shape \[n\]", id="one loss for all"),
        pytest.param(
            {"loss": "msee"},
            OptionError,
            r"'logistic': loss is 'msee', which is none of keras.losses: give",
            id="no loss of Keras",
        ),
        pytest.param(
            {"optimizer": "adamm"},
            OptionError,
            r"'logistic': optimizer is 'adamm', which is none of keras.optimizers: give",
            id="no optimizer of Keras",
        ),
        pytest.param(
            {"outputs": {"score": TensorSpec("float32", (None, 3))}},
            SignatureMismatchError,
            r"'score' is to be float32\[\?, 3\], the model gives float32\[1, 1\]",
            id="another output",
        ),
    ],
)
def test_what_cannot_learn_says_why(changed: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        learner(replace(logistic(), **changed))


def test_several_inputs_labels_and_outputs_go_by_name() -> None:
    def build() -> Any:
        import tensorflow as tf

        class Two(tf.Module):
            def __init__(self) -> None:
                self.weight = tf.Variable(0.0)

            def __call__(self, inputs: Any) -> Any:
                length = tf.cast(tf.strings.length(inputs["word"]), tf.float32)
                return {"up": self.weight * inputs["x"], "down": -self.weight * length}

        return Two()

    def loss(labels: Any, outputs: Any) -> Any:
        return (labels["a"] - outputs["up"]) ** 2 + (labels["b"] - outputs["down"]) ** 2

    scalar = TensorSpec("float32", (None,))
    definition = OnlineModel(
        build,
        loss=loss,
        inputs={"x": scalar, "word": TensorSpec("string", (None,))},
        labels={"a": scalar, "b": scalar},
        outputs={"up": scalar, "down": scalar},
        update_every=2,
    )
    run = Run(definition)
    memory = run.memory()
    record = {"id": 1, "x": 1.0, "word": "abc", "a": 1.0, "b": -3.0}
    first = run.take(memory, [record] * 2)[0]
    assert (first.outputs, first.loss) == ((0.0, 0.0), 10.0)
    after = run.take(memory, [record] * 100)[-1]
    assert after.loss < 1e-3
