"""The model in TensorFlow: one copy a subtask, into which the weights of any key are put."""

import random
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from modelstream.convert.dtypes import Kind, dtype_of
from modelstream.errors import ModelError, SignatureMismatchError, StateError
from modelstream.online.definition import OnlineModel, Specs
from modelstream.online.memory import Weights

Array = npt.NDArray[Any]
Tensors = Sequence[Array]

# Seeds are global: the subtasks of a local job, which are threads, build one after the other.
_building = threading.Lock()


class Learner:
    """Scores and learns with the weights that it is given."""

    def __init__(self, definition: OnlineModel) -> None:
        tf.config.experimental.enable_op_determinism()
        self._definition = definition
        self._is_keras = False
        with _seeded(definition.seed):
            self._model = self._built()
            self._optimizer = _optimizer(definition.optimizer)
            self._optimizer.build(self._trainable)
        self.names = [_name(variable) for variable in self._model.variables]
        model = [_variable(variable) for variable in self._model.variables]
        self.variables = len(model)
        slots = [_variable(variable) for variable in self._optimizer.variables]
        self._variables = [*model, *slots]
        self._initial = self.read()
        self._seated: Weights | None = None
        self._trace()

    @property
    def initial(self) -> Weights:
        """The weights that every key begins with."""
        return Weights(self._initial)

    def read(self) -> list[Array]:
        """Copy the variables out."""
        return [variable.numpy() for variable in self._variables]

    def predict(self, weights: Weights, inputs: Tensors) -> list[Array]:
        """What the model gives, one array an output."""
        self._seat(weights)
        return [output.numpy() for output in self._predict(*inputs)]

    def assess(
        self, weights: Weights, inputs: Tensors, labels: Tensors
    ) -> tuple[list[Array], Array]:
        """What the model gives, and the loss of each record."""
        self._seat(weights)
        outputs, losses = self._assess(inputs, labels)
        return [output.numpy() for output in outputs], losses.numpy()

    def learn(self, weights: Weights, inputs: Tensors, labels: Tensors) -> bool:
        """One update. Nothing has changed when it returns False: something was not finite."""
        return self._step(weights, inputs, labels, keep=True)

    def teaches(self, weights: Weights, inputs: Tensors, labels: Tensors) -> bool:
        """Whether an update would be finite; changes nothing."""
        return self._step(weights, inputs, labels, keep=False)

    def check(self, weights: Sequence[Array]) -> None:
        """Hold restored weights against the model.

        Raises:
            StateError: they belong to another model; says where they differ.
        """
        mine = [(array.dtype, array.shape) for array in self._initial]
        theirs = [(array.dtype, array.shape) for array in weights]
        if mine[: len(theirs)] == theirs and len(theirs) in {len(mine), self.variables}:
            return
        raise StateError(
            f"model {self._definition.name!r}: the weights in the state do not fit the model that "
            f"build makes: {_difference(mine, theirs, self.names)}. Build the model that the state "
            f"is of, or give the new one another name, which starts without state"
        )

    def _step(self, weights: Weights, inputs: Tensors, labels: Tensors, *, keep: bool) -> bool:
        self._seat(weights)
        done = bool(self._update(inputs, labels, tf.constant(keep)))
        if done and keep:
            weights.changed(self)
        return done

    def _seat(self, weights: Weights) -> None:
        if self._seated is weights:
            return
        if self._seated is not None:
            _ = self._seated.arrays  # the last chance to read them
        arrays = weights.arrays
        if len(arrays) < len(self._variables):  # published: the model's alone
            arrays = [*arrays, *self._initial[len(arrays) :]]
        self._assign(arrays)
        self._seated = weights

    def _built(self) -> Any:
        model = self._definition.build()
        self._is_keras = isinstance(model, keras.Layer)
        example = [tf.zeros([1, *(spec.record_shape or ())], spec.dtype) for spec in self._specs]
        given = self._call(model, example, training=False)
        _check_outputs(given, self._definition)
        if not model.trainable_variables:
            raise ModelError(
                f"model {self._definition.name!r}: build made a {type(model).__name__} without "
                f"trainable variables; a tf.Module must hold its tf.Variables as attributes, Keras "
                f"layers belong into a Keras model"
            )
        return model

    @property
    def _specs(self) -> list[Any]:
        return list(self._definition.inputs.values())

    @property
    def _trainable(self) -> list[Any]:
        return list(self._model.trainable_variables)

    def _call(self, model: Any, inputs: Sequence[Any], *, training: bool) -> list[Any]:
        given = _one_or_named(self._definition.inputs, inputs)
        made = model(given, training=training) if self._is_keras else model(given)
        names = self._definition.outputs
        return [made[name] for name in names] if len(names) > 1 else [made]

    def _losses(self, labels: Sequence[Any], outputs: Sequence[Any]) -> Any:
        definition = self._definition
        if isinstance(definition.loss, str):
            flat = [tf.reshape(each, [tf.shape(each)[0], -1]) for each in (*labels, *outputs)]
            return keras.losses.get(definition.loss)(*flat)
        losses = definition.loss(
            _one_or_named(definition.labels, labels), _one_or_named(definition.outputs, outputs)
        )
        if losses.shape.rank != 1:
            raise ModelError(
                f"model {definition.name!r}: loss gives the shape {losses.shape}; it must give one "
                f"number a record, the shape [n], so that a bad record can be told from the others"
            )
        return losses

    def _trace(self) -> None:
        """The functions that TensorFlow compiles."""
        inputs, labels = _signature(self._definition.inputs), _signature(self._definition.labels)
        self._predict = tf.function(self._predicted, input_signature=inputs)
        self._assess = tf.function(self._assessed, input_signature=[inputs, labels])
        keep = tf.TensorSpec([], tf.bool)
        self._update = tf.function(self._updated, input_signature=[inputs, labels, keep])
        kinds = [tf.TensorSpec(each.shape, each.dtype) for each in self._variables]
        self._assign = tf.function(self._assigned, input_signature=[kinds])

    def _predicted(self, *inputs: Any) -> list[Any]:
        return self._call(self._model, inputs, training=False)

    def _assessed(self, inputs: Any, labels: Any) -> tuple[list[Any], Any]:
        outputs = self._call(self._model, inputs, training=False)
        return outputs, self._losses(labels, outputs)

    def _updated(self, inputs: Any, labels: Any, keep: Any) -> Any:
        before = [tf.identity(variable) for variable in self._variables]
        with tf.GradientTape() as tape:
            outputs = self._call(self._model, inputs, training=True)
            losses = self._losses(labels, outputs)
            total = tf.reduce_mean(losses) + self._penalty()
        gradients = tape.gradient(total, self._trainable)
        self._optimizer.apply_gradients(zip(gradients, self._trainable, strict=True))
        finite = tf.reduce_all([_finite(losses), *map(_finite, self._variables)])
        tf.cond(finite & keep, lambda: False, lambda: self._put(before))
        return finite

    def _penalty(self) -> Any:
        return tf.add_n(self._model.losses) if self._is_keras and self._model.losses else 0.0

    def _assigned(self, arrays: Any) -> None:
        self._put(arrays)

    def _put(self, arrays: Sequence[Any]) -> bool:
        for variable, array in zip(self._variables, arrays, strict=True):
            variable.assign(array)
        return True


def _finite(tensor: Any) -> Any:
    return tf.reduce_all(tf.math.is_finite(tensor)) if tensor.dtype.is_floating else True


def _one_or_named(specs: Specs, tensors: Sequence[Any]) -> Any:
    return tensors[0] if len(specs) == 1 else dict(zip(specs, tensors, strict=True))


def _signature(specs: Specs) -> list[Any]:
    return [tf.TensorSpec(spec.shape, spec.dtype) for spec in specs.values()]


def _optimizer(given: Any) -> Any:
    return keras.optimizers.get(given) if isinstance(given, str) else given()


def _variable(variable: Any) -> Any:
    """The tf.Variable, also of Keras's own kind."""
    return variable.value if isinstance(variable, keras.Variable) else variable


def _name(variable: Any) -> str:
    return str(getattr(variable, "path", variable.name))


def _check_outputs(given: Sequence[Any], definition: OnlineModel) -> None:
    for (name, spec), tensor in zip(definition.outputs.items(), given, strict=True):
        elements = int(np.prod(spec.record_shape or ()))
        if tensor.dtype.name != spec.dtype or int(tf.size(tensor)) != elements:
            raise SignatureMismatchError(
                f"model {definition.name!r}: the output {name!r} is to be {spec}, the model gives "
                f"{tensor.dtype.name}{tensor.shape.as_list()} for one record: say so in outputs"
            )


def _difference(mine: Sequence[Any], theirs: Sequence[Any], names: Sequence[str]) -> str:
    for at, (here, there) in enumerate(zip(mine, theirs, strict=False)):
        if here != there:
            name = names[at] if at < len(names) else f"variable {at - len(names)} of the optimizer"
            return f"{name} is {here[0]}{list(here[1])}, in the state {there[0]}{list(there[1])}"
    return f"it has {len(mine)} variables, the state {len(theirs)} (with those of the optimizer)"


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """All seeds are set, and Python's and numpy's are as they were afterwards."""
    with _building:
        python, numpy = random.getstate(), np.random.get_state()
        keras.utils.set_random_seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
