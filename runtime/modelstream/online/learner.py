"""The model in TensorFlow: one copy a subtask, into which the weights of any key are put."""

import gc
from collections.abc import Callable, Sequence
from typing import Any

import numpy.typing as npt
import tensorflow as tf

from modelstream.convert.codec import names_hash
from modelstream.errors import StateError
from modelstream.flink.keyed import ANEW
from modelstream.models.eager_engine import configure
from modelstream.models.gradients import tied_gradients
from modelstream.online.definition import OnlineModel, Specs
from modelstream.online.memory import Fingerprint, Memory, Weights
from modelstream.online.network import Network
from modelstream.online.repeatable import changed_variables, check_repeatable

Array = npt.NDArray[Any]
Tensors = Sequence[Array]


def deterministic(definition: OnlineModel) -> "Learner":
    """A learner that makes the same bits of the same records in the same order.

    TensorFlow's operations are switched to their deterministic forms, for the whole process.
    """
    tf.config.experimental.enable_op_determinism()
    return Learner(definition)


class Learner:
    """Scores and learns with the weights that it is given."""

    def __init__(self, definition: OnlineModel) -> None:
        configure(definition.options)
        self._name = definition.name
        with tied_gradients(), tf.device(definition.options.device):
            self._network = Network(definition)
            self._variables = self._network.variables
            self._trace(definition)
        names, optimizer = self._network.names, self._network.optimizer
        self.fingerprint = Fingerprint(len(names), names_hash(names), names_hash([optimizer]))
        self._initial = self.read()
        self._seated: Weights | None = None

    def begin(self) -> Memory:
        """What every key begins with."""
        return Memory(Weights(self._initial), self.fingerprint)

    def close(self) -> None:
        """Give the memory back.

        The functions are a web of cycles that holds the variables: it is collected here, because
        Python's own collector sees a few small objects and may wait for very long.
        """
        self.__dict__.clear()
        gc.collect()

    def read(self) -> list[Array]:
        """Copy the variables out."""
        return [value.numpy() for value in self._read()]

    def predict(self, weights: Weights, inputs: Tensors) -> list[Array]:
        """What the model gives, one array an output."""
        self._seat(weights)
        return [output.numpy() for output in self._predict(*map(tf.constant, inputs))]

    def assess(
        self, weights: Weights, inputs: Tensors, labels: Tensors
    ) -> tuple[list[Array], Array]:
        """What the model gives, and the loss of each record."""
        self._seat(weights)
        *outputs, losses = self._assess(*map(tf.constant, [*inputs, *labels]))
        return [output.numpy() for output in outputs], losses.numpy()

    def learn(self, weights: Weights, inputs: Tensors, labels: Tensors) -> bool:
        """One update. Nothing has changed when it returns False: something was not finite."""
        done = self._step(weights, [*inputs, *labels], keep=True)
        if done:
            weights.changed(self)
        return done

    def teaches(self, weights: Weights, inputs: Tensors, labels: Tensors) -> bool:
        """Whether an update would be finite; changes nothing."""
        return self._step(weights, [*inputs, *labels], keep=False)

    def save(self, weights: Weights, directory: str) -> None:
        """Write the model with these weights as a SavedModel."""
        self._seat(weights)
        with tied_gradients():
            self._network.save(directory)

    def check(self, memory: Memory) -> None:
        """Hold restored or published weights against the model.

        Raises:
            StateError: they belong to another model; says where they differ.
        """
        if difference := self._difference(memory):
            raise StateError(
                f"model {self._name!r}: the weights in the state do not fit the model that build "
                f"makes: {difference}. Build the model that the state is of, or give the new one "
                f"another name and start the job with {ANEW}: it begins without state then"
            )

    def _difference(self, memory: Memory) -> str:
        mine, theirs = self.fingerprint, memory.fingerprint
        names, arrays = self._network.names, memory.weights.arrays
        expected = self._initial[: None if theirs.optimizer is not None else mine.variables]
        for at, (here, there) in enumerate(zip(expected, arrays, strict=False)):
            if (here.dtype, here.shape) != (there.dtype, there.shape):
                name = names[at] if at < len(names) else f"slot {at - len(names)} of the optimizer"
                return f"{name} is {_kind(here)}, in the state {_kind(there)}"
        if len(expected) != len(arrays):
            return f"it has {len(expected)} variables with the optimizer's, the state {len(arrays)}"
        if (mine.variables, mine.names) != (theirs.variables, theirs.names):
            return f"those of the state have other names, or another order, than {', '.join(names)}"
        if theirs.optimizer not in (None, mine.optimizer):
            return f"those of the state are of another optimizer than {self._network.optimizer}"
        return ""

    def _step(self, weights: Weights, tensors: Tensors, *, keep: bool) -> bool:
        self._seat(weights)
        return bool(self._update(tf.constant(keep), *map(tf.constant, tensors)))

    def _seat(self, weights: Weights) -> None:
        if self._seated is weights:
            return
        if self._seated is not None:
            _ = self._seated.arrays  # read them before others take their place
        arrays = weights.arrays
        rest = self._initial[len(arrays) :]  # published weights are the model's alone
        self._assign(*map(tf.constant, [*arrays, *rest]))
        self._seated = weights

    def _trace(self, definition: OnlineModel) -> None:
        """Compile the functions; calls of concrete ones cost half of what others do."""
        inputs, labels = _signature(definition.inputs), _signature(definition.labels)
        count, network = len(inputs), self._network
        keep = tf.TensorSpec([], tf.bool)
        kinds = [tf.TensorSpec(each.shape, each.dtype) for each in self._variables]

        def predict(*tensors: Any) -> list[Any]:
            return network.outputs(tensors, training=False)

        def assess(*tensors: Any) -> list[Any]:
            outputs = network.outputs(tensors[:count], training=False)
            return [*outputs, network.losses(tensors[count:], outputs)]

        def update(keep: Any, *tensors: Any) -> Any:
            return self._updated(keep, tensors[:count], tensors[count:])

        self._predict = _leaving(predict, inputs)
        self._assess = _leaving(assess, [*inputs, *labels])
        self._update = _concrete(update, [keep, *inputs, *labels])
        self._assign = _concrete(lambda *arrays: self._put(arrays), kinds)
        self._read = _concrete(lambda: [tf.identity(each) for each in self._variables], [])
        scoring = self._predict, self._assess
        check_repeatable(self._name, scoring, self._update, self._variables)

    def _updated(self, keep: Any, inputs: Any, labels: Any) -> Any:
        before = [tf.identity(variable) for variable in self._variables]
        losses = self._network.descend(inputs, labels)
        finite = tf.reduce_all([_finite(losses), *map(_finite, self._variables)])
        tf.cond(finite & keep, lambda: True, lambda: self._put(before))
        return finite

    def _put(self, arrays: Sequence[Any]) -> bool:
        for variable, array in zip(self._variables, arrays, strict=True):
            variable.assign(array)
        return True


def _concrete(function: Callable[..., Any], signature: Sequence[Any]) -> Any:
    return tf.function(function, input_signature=signature).get_concrete_function()


def _leaving(function: Callable[..., Any], signature: Sequence[Any]) -> Any:
    """Compile what leaves the variables as they are, also those that a call of it changes.

    What is learned would depend on how often it was scored: dropout of an LSTM in Keras, for one,
    moves its place among the random numbers on in every call.
    """
    traced = _concrete(function, signature)
    if not (changed := changed_variables(traced)):
        return traced

    def leaving(*tensors: Any) -> Any:
        before = [tf.identity(variable) for variable in changed]
        given = function(*tensors)
        for variable, value in zip(changed, before, strict=True):
            variable.assign(value)
        return given

    return _concrete(leaving, signature)


def _finite(tensor: Any) -> Any:
    return tf.reduce_all(tf.math.is_finite(tensor)) if tensor.dtype.is_floating else True


def _signature(specs: Specs) -> list[Any]:
    return [tf.TensorSpec(spec.shape, spec.dtype) for spec in specs.values()]


def _kind(array: Array) -> str:
    return f"{array.dtype}{list(array.shape)}"
