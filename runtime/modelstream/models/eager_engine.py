"""The v2 loader, for what the v1 session loader refuses."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy.typing as npt
import tensorflow as tf

from modelstream.convert.spec import TensorSpec
from modelstream.models.gradients import tied_gradients
from modelstream.models.layouts import flattened, is_callable, pieces
from modelstream.models.options import TensorFlowOptions
from modelstream.models.protocol import Fed
from modelstream.models.signature import Signature

log = logging.getLogger(__name__)

FAULTS = (tf.errors.FailedPreconditionError, tf.errors.UnimplementedError)
"""What TensorFlow raises where a model cannot work whatever it is given: variables and tables that
nothing has filled, operations that this build or device does not have."""


class TrackableEngine:
    """What has its variables in an object that TensorFlow can save."""

    _model: Any

    def save(self, prefix: str) -> str:
        """Write the variables."""
        return str(tf.train.Checkpoint(model=self._model).write(prefix))

    def restore(self, prefix: str) -> None:
        """Read the variables back."""
        restored = tf.train.Checkpoint(model=self._model).read(prefix)
        restored.assert_existing_objects_matched().expect_partial()


class EagerEngine(TrackableEngine):
    """A trackable object with concrete functions."""

    faults = FAULTS

    def __init__(
        self,
        directory: Path,
        tags: tuple[str, ...],
        signatures: Mapping[str, Signature],
        options: TensorFlowOptions,
    ) -> None:
        configure(options)
        self._device = options.device
        with tied_gradients(), tf.device(options.device):
            self._model = tf.saved_model.load(str(directory), tags=list(tags))
        self._signatures = signatures
        self._calls = {
            name: self._model.signatures[name]
            for name, signature in signatures.items()
            if is_callable(signature)
        }

    def call(self, signature: str, inputs: Fed) -> dict[str, npt.NDArray[Any]]:
        """Run a signature on arrays that fit it."""
        found = self._signatures[signature]
        tensors = {
            part: tf.constant(array, dtype=dtype)
            for name, tensor in inputs.items()
            for part, array, dtype in zip(
                found.parts.get(name, (name,)),
                pieces(tensor),
                _dtypes(found.inputs[name]),
                strict=True,
            )
        }
        with tf.device(self._device):
            outputs = self._calls[signature](**tensors)
        return {name: flattened(output) for name, output in outputs.items()}

    def close(self) -> None:
        """Drop the functions before the object whose variables they use."""
        self._calls.clear()
        self._model = None


def _dtypes(spec: TensorSpec) -> tuple[str, ...]:
    return (spec.dtype, *[spec.splits] * spec.ragged_rank)


def configure(options: TensorFlowOptions) -> None:
    """Thread pools and GPU memory; what TensorFlow has fixed already stays as it is."""
    try:
        if options.intra_op is not None:
            tf.config.threading.set_intra_op_parallelism_threads(options.intra_op)
        if options.inter_op is not None:
            tf.config.threading.set_inter_op_parallelism_threads(options.inter_op)
        for device in tf.config.list_physical_devices("GPU"):
            _configure_memory(device, options)
    except (RuntimeError, ValueError) as error:
        log.warning("TensorFlow keeps the options of the process's first model: %s", error)


def _configure_memory(device: Any, options: TensorFlowOptions) -> None:
    if options.memory_limit is None:
        tf.config.experimental.set_memory_growth(device, options.memory_growth)
        return
    part = tf.config.LogicalDeviceConfiguration(memory_limit=options.memory_limit)
    tf.config.set_logical_device_configuration(device, [part])
