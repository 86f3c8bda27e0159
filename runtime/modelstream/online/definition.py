"""What an online model is: how it is built, what it reads and gives, and how it learns."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from modelstream.annotations import check_fields
from modelstream.arguments import check_duration, check_on_error
from modelstream.convert import TensorSpec
from modelstream.convert.dtypes import dtype_of
from modelstream.errors import OptionError, SignatureMismatchError
from modelstream.failure import Fail, OnError
from modelstream.flink.keyed import check_ttl
from modelstream.messages import listed
from modelstream.models.options import TensorFlowOptions

Specs = Mapping[str, TensorSpec]

LOSS = "loss"
UPDATES = "updates"


def _score() -> Specs:
    return {"score": TensorSpec("float32", (None,))}


@dataclass(frozen=True)
class OnlineModel:
    """A model whose variables live in Flink's keyed state and learn from the stream.

    Each key has weights of its own, which all begin as ``build`` makes them. A record is scored
    by the weights that its key has learned so far, and only then learned from (prequential). The
    weights of a key change when ``update_every`` records of it have come, in their order, so they
    depend on the records alone: not on time, parallelism, checkpoints or failures.

    Names of inputs, labels and outputs are columns of the stream. Where there is one of a kind,
    ``build``'s model and ``loss`` get and give a tensor, where there are several a dict by name.

    Examples:
        >>> clicks = ms.OnlineModel(
        ...     build, "binary_crossentropy", inputs={"x": spec}, labels={"clicked": label}
        ... )
        >>> learned = ms.learn(stream.key_by(lambda row: row.user), clicks)

    Attributes:
        build: makes the model, a Keras model, or a ``tf.Module`` whose call takes the inputs, and
            ``training`` if it is to know that it learns. Runs in the worker, once a subtask, with
            all seeds set: it imports TensorFlow itself.
        loss: ``(labels, outputs) -> float[n]``, one number a record; or the name of a Keras loss,
            such as ``binary_crossentropy``.
        optimizer: makes a Keras optimizer; or the name of one, such as ``adam``.
        inputs: column → the tensor that it becomes; only the batch dimension may vary.
        labels: column → tensor. A record whose labels are null is scored and not learned from.
        outputs: column → what the model gives; none is called ``loss`` or ``updates``, as the two
            columns beside them.
        update_every: records of a key in one update of its weights.
        max_latency: None scores each record when it comes. Otherwise a record waits to be scored
            together with its update's, at most this long: much faster, with the same result.
        publish_every: updates of a key between two records of ``Learned.weights``; 0 for none.
        on_error: what becomes of a record that does not fit, or whose loss is not finite.
        seed: what all random numbers that ``build`` draws come from.
        name: what metrics, dead letters, messages and savepoints call it: two online models of one
            job need two names, and so do two scorers of one model.
        ttl: None keeps a key for ever. Otherwise one without a record for so long may be forgotten,
            with the records that wait for its batch.
        options: GPU memory, threads and device of the worker.
    """

    build: Callable[[], Any]
    loss: str | Callable[[Any, Any], Any]
    inputs: Specs
    labels: Specs
    optimizer: str | Callable[[], Any] = "sgd"
    outputs: Specs = field(default_factory=_score)
    update_every: int = 32
    max_latency: timedelta | None = None
    publish_every: int = 0
    on_error: OnError = field(default_factory=Fail)
    seed: int = 0
    name: str = "online"
    ttl: timedelta | None = None
    options: TensorFlowOptions = field(default_factory=TensorFlowOptions)

    def __post_init__(self) -> None:
        check_ttl(self.ttl)
        check_on_error(self.on_error)
        _check_count("update_every", self.update_every, 1, "records of a key in one update")
        _check_count("publish_every", self.publish_every, 0, "updates of a key, or 0 for never")
        if self.max_latency is not None:
            check_duration("max_latency", self.max_latency, ", or None")
        check_fields(self)
        if self.ttl is not None and self.max_latency is not None and self.ttl <= self.max_latency:
            raise OptionError(
                f"ttl is {self.ttl} and max_latency {self.max_latency}: a key would be forgotten "
                f"while its records wait; ttl must be longer"
            )
        if isinstance(self.loss, str) and (len(self.labels) != 1 or len(self.outputs) != 1):
            raise OptionError(
                f"the loss {self.loss!r} takes one label and one output, the model has "
                f"{len(self.labels)} and {len(self.outputs)}: give a function of two dicts as loss"
            )
        for kind in ("inputs", "labels", "outputs"):
            _check(kind, getattr(self, kind))
        for taken in (LOSS, UPDATES):
            if taken in self.outputs:
                raise SignatureMismatchError(
                    f"outputs: {taken!r} is a column that the learned rows have beside the "
                    f"outputs: give the output another name"
                )


def _check_count(option: str, given: object, least: int, what: str) -> None:
    if not isinstance(given, int) or given < least:
        raise OptionError(f"{option} is {given!r}; it takes a number from {least} on: {what}")


def _check(kind: str, specs: Specs) -> None:
    if not specs:
        raise SignatureMismatchError(f"{kind} is empty; name a column and its tensor")
    for column, spec in specs.items():
        dtype_of(spec.dtype)
        shape = spec.shape or ()
        if shape[:1] != (None,) or None in shape[1:]:
            raise SignatureMismatchError(
                f"{kind}: {column!r} is {spec}; the first dimension must be the batch, None, and "
                f"the others known: pad or cut records to one size"
            )


def ordered(made: Any, outputs: Specs, model: str) -> list[Any]:
    """What a model made as one tensor an output, in the order of ``outputs``.

    Raises:
        SignatureMismatchError: it cannot be told which is which.
    """
    if isinstance(made, Mapping):
        if missing := [name for name in outputs if name not in made]:
            raise SignatureMismatchError(
                f"model {model!r}: what build makes gives {listed(made)}, and outputs names "
                f"{listed(missing)}: use the names of the one for the other"
            )
        return [made[name] for name in outputs]
    tensors = list(made) if isinstance(made, list | tuple) else [made]
    if len(tensors) == len(outputs) == 1:
        return tensors
    raise SignatureMismatchError(
        f"model {model!r}: what build makes gives {len(tensors)} "
        f"{'tensors' if len(tensors) > 1 else 'tensor'} without names, and outputs names "
        f"{listed(outputs)}: have it return a dictionary of tensors by these names"
    )
