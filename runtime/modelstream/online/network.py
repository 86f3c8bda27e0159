"""What ``build``, ``loss`` and ``optimizer`` of an online model make, in TensorFlow."""

import inspect
import random
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow import keras

from modelstream.errors import ModelError, OptionError, SignatureMismatchError
from modelstream.online.definition import OnlineModel, Specs, ordered

# Seeds are global: the subtasks of a local job, which are threads, build one after the other.
_building = threading.Lock()


class Network:
    """A model and its optimizer, with the variables of both."""

    def __init__(self, definition: OnlineModel) -> None:
        self._definition = definition
        with _seeded(definition.seed):
            self._model = definition.build()
            self._is_keras = isinstance(self._model, keras.Layer)
            self._takes_training = self._is_keras or _takes_training(self._model)
            outputs = self.outputs(_zeros(definition.inputs), training=False)
            _check_outputs(outputs, definition)
            _check_loss(self.losses(_zeros(definition.labels), outputs), definition)
            _check_trainable(self._model, definition.name)
            self._optimizer = _optimizer(definition)
            self._optimizer.build(self._trainable)
        self.names = tuple(_names(self._model))
        slots = self._optimizer.variables
        places = [generator.state for _, generator in _generators(self._model)]
        self.variables = tuple(map(_variable, [*self._model.variables, *places, *slots]))

    @property
    def optimizer(self) -> str:
        """What the slots are of."""
        return type(self._optimizer).__name__

    def outputs(self, inputs: Sequence[Any], *, training: bool) -> list[Any]:
        """What the model gives, one tensor an output."""
        given = _one_or_named(self._definition.inputs, inputs)
        made = self._model(given, training=training) if self._takes_training else self._model(given)
        return ordered(made, self._definition.outputs, self._definition.name)

    def losses(self, labels: Sequence[Any], outputs: Sequence[Any]) -> Any:
        """One number a record."""
        definition = self._definition
        if isinstance(definition.loss, str):
            loss = _of_keras("loss", "losses", definition.loss, definition.name)
            return loss(*map(_rows, [*labels, *outputs]))
        return definition.loss(
            _one_or_named(definition.labels, labels), _one_or_named(definition.outputs, outputs)
        )

    def descend(self, inputs: Sequence[Any], labels: Sequence[Any]) -> Any:
        """One step of the optimizer on the mean loss of a batch; gives the losses before it."""
        with tf.GradientTape() as tape:
            losses = self.losses(labels, self.outputs(inputs, training=True))
            total = tf.reduce_mean(losses) + self._penalty()
        gradients = tape.gradient(total, self._trainable)
        self._optimizer.apply_gradients(zip(gradients, self._trainable, strict=True))
        return losses

    def save(self, directory: str) -> None:
        """Write the model as a SavedModel that takes and gives tensors by their names."""
        definition = self._definition

        def serve(*tensors: Any) -> dict[str, Any]:
            outputs = self.outputs(tensors, training=False)
            return {
                name: tf.reshape(output, [-1, *(spec.record_shape or ())])
                for (name, spec), output in zip(definition.outputs.items(), outputs, strict=True)
            }

        specs = [tf.TensorSpec(s.shape, s.dtype, name) for name, s in definition.inputs.items()]
        module = tf.Module()
        module.model = self._model
        module.held = list(self.variables)  # Keras does not show all of its own
        function = tf.function(serve, input_signature=specs).get_concrete_function()
        tf.saved_model.save(module, directory, signatures={"serving_default": function})

    @property
    def _trainable(self) -> list[Any]:
        return list(self._model.trainable_variables)

    def _penalty(self) -> Any:
        """What regularizers of Keras layers add."""
        return tf.add_n(self._model.losses) if self._is_keras and self._model.losses else 0.0


def _zeros(specs: Specs) -> list[Any]:
    """One record: models may make their variables at the first call."""
    shapes = [(spec.dtype, spec.record_shape or ()) for spec in specs.values()]
    return [tf.zeros([1, *shape], dtype) for dtype, shape in shapes]


def _rows(tensor: Any) -> Any:
    """One row a record, as losses of Keras take it.

    A matrix stays the tensor that it is: Keras computes cross entropy from the logits where it sees
    that a tensor comes from a sigmoid or softmax.
    """
    return tensor if tensor.shape.rank == 2 else tf.reshape(tensor, [tf.shape(tensor)[0], -1])


def _one_or_named(specs: Specs, tensors: Sequence[Any]) -> Any:
    return tensors[0] if len(specs) == 1 else dict(zip(specs, tensors, strict=True))


def _optimizer(definition: OnlineModel) -> Any:
    given = definition.optimizer
    if isinstance(given, str):
        return _of_keras("optimizer", "optimizers", given, definition.name)
    return given()


def _of_keras(option: str, place: str, given: str, model: str) -> Any:
    """What Keras has under a name."""
    try:
        return getattr(keras, place).get(given)
    except ValueError:
        raise OptionError(
            f"model {model!r}: {option} is {given!r}, which is none of keras.{place}: give "
            f"the name of one, or a function"
        ) from None


def _variable(variable: Any) -> Any:
    """The tf.Variable, also of Keras's own kind."""
    return variable.value if isinstance(variable, keras.Variable) else variable


def _names(model: Any) -> list[str]:
    """What each variable is called, the same in every process that builds the model."""
    if isinstance(model, keras.Layer):
        return _renumbered(variable.path for variable in model.variables)
    if not isinstance(model, tf.Module):
        return [variable.name for variable in model.variables]
    found = model._flatten(predicate=lambda each: isinstance(each, tf.Variable), with_path=True)
    paths = {id(variable): "/".join(map(str, path)) for path, variable in found}
    names = [paths.get(id(variable), variable.name) for variable in model.variables]
    return [*names, *(f"{path}/state" for path, _ in _generators(model))]


def _generators(model: Any) -> list[tuple[str, Any]]:
    """The random generators of a tf.Module, which its variables leave out, by their paths."""
    if not isinstance(model, tf.Module) or isinstance(model, keras.Layer):
        return []
    found = model._flatten(
        predicate=lambda each: isinstance(each, tf.random.Generator), with_path=True
    )
    return [("/".join(map(str, path)), generator) for path, generator in found]


def _takes_training(model: Any) -> bool:
    return "training" in inspect.signature(model.__call__).parameters


def _renumbered(paths: Iterable[str]) -> list[str]:
    """Keras counts layers without a name over all models of a process; here 0 is a model's first.

    So ``dense_7/kernel, dense_9/kernel`` are ``dense/kernel, dense_1/kernel``.
    """
    known: dict[str, dict[str, str]] = {}

    def renumbered(part: str) -> str:
        base = re.sub(r"_\d+$", "", part)
        parts = known.setdefault(base, {})
        return parts.setdefault(part, f"{base}_{len(parts)}" if parts else base)

    return ["/".join(map(renumbered, path.split("/"))) for path in paths]


def _check_trainable(model: Any, name: str) -> None:
    if not model.trainable_variables:
        raise ModelError(
            f"model {name!r}: build made a {type(model).__name__} without trainable variables; a "
            f"tf.Module must hold its tf.Variables as attributes, Keras layers belong into a Keras "
            f"model"
        )


def _check_outputs(given: Sequence[Any], definition: OnlineModel) -> None:
    for (name, spec), tensor in zip(definition.outputs.items(), given, strict=True):
        elements = prod(size or 1 for size in spec.record_shape or ())
        if tensor.dtype.name != spec.dtype or int(tf.size(tensor)) != elements:
            raise SignatureMismatchError(
                f"model {definition.name!r}: the output {name!r} is to be {spec}, the model gives "
                f"{tensor.dtype.name}{tensor.shape.as_list()} for one record: say so in outputs"
            )


def _check_loss(losses: Any, definition: OnlineModel) -> None:
    if losses.shape != [1]:
        raise ModelError(
            f"model {definition.name!r}: loss gives the shape {losses.shape.as_list()} for one "
            f"record; it must give one number a record, the shape [n], so that a bad record can "
            f"be told from the others"
        )


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """All seeds are set inside; Python's and numpy's are as they were afterwards."""
    with _building:
        python, numpy = random.getstate(), np.random.get_state()
        keras.utils.set_random_seed(seed)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)
