"""The model in TensorFlow: one copy a subtask, into which the weights of any key are put."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy.typing as npt
import tensorflow as tf

from modelstream.errors import StateError
from modelstream.online.definition import OnlineModel, Specs
from modelstream.online.memory import Weights
from modelstream.online.network import Network

Array = npt.NDArray[Any]
Tensors = Sequence[Array]


class Learner:
    """Scores and learns with the weights that it is given.

    TensorFlow's operations are switched to their deterministic forms, for the whole process: the
    same records in the same order make the same bits.
    """

    def __init__(self, definition: OnlineModel) -> None:
        tf.config.experimental.enable_op_determinism()
        self._name = definition.name
        self._network = Network(definition)
        self._variables = self._network.variables
        self._trace(definition)
        self._initial = self.read()
        self._seated: Weights | None = None

    @property
    def variables(self) -> int:
        """How many of the weights are the model's; the optimizer's follow."""
        return len(self._network.names)

    @property
    def initial(self) -> Weights:
        """The weights that every key begins with."""
        return Weights(self._initial)

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
        self._network.save(directory)

    def check(self, weights: Sequence[Array]) -> None:
        """Hold restored or published weights against the model.

        Raises:
            StateError: they belong to another model; says where they differ.
        """
        mine = [(array.dtype, array.shape) for array in self._initial]
        theirs = [(array.dtype, array.shape) for array in weights]
        if mine[: len(theirs)] == theirs and len(theirs) in {len(mine), self.variables}:
            return
        raise StateError(
            f"model {self._name!r}: the weights in the state do not fit the model that build "
            f"makes: {_difference(mine, theirs, self._network.names)}. Build the model that the "
            f"state is of, or give the new one another name, which starts without state"
        )

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

        self._predict = _concrete(predict, inputs)
        self._assess = _concrete(assess, [*inputs, *labels])
        self._update = _concrete(update, [keep, *inputs, *labels])
        self._assign = _concrete(lambda *arrays: self._put(arrays), kinds)
        self._read = _concrete(lambda: [tf.identity(each) for each in self._variables], [])

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


def _finite(tensor: Any) -> Any:
    return tf.reduce_all(tf.math.is_finite(tensor)) if tensor.dtype.is_floating else True


def _signature(specs: Specs) -> list[Any]:
    return [tf.TensorSpec(spec.shape, spec.dtype) for spec in specs.values()]


def _difference(mine: Sequence[Any], theirs: Sequence[Any], names: Sequence[str]) -> str:
    for at, (here, there) in enumerate(zip(mine, theirs, strict=False)):
        if here != there:
            name = names[at] if at < len(names) else f"variable {at - len(names)} of the optimizer"
            return f"{name} is {here[0]}{list(here[1])}, in the state {there[0]}{list(there[1])}"
    return f"it has {len(mine)} variables with those of the optimizer, the state {len(theirs)}"
