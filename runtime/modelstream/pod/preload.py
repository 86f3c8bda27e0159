"""Load and warm the models without waiting for a record.

It happens twice. Before the TaskManager starts, a process of its own loads each model, warms it
and ends: this proves for the pod (its image, its memory, its GPU, its files) that the model works
there, also where no task ever comes. Then each Python worker loads the models as it starts, and
keeps them: Flink calls a task RUNNING only when its worker answers, so a running task has its
model in memory before the first record.
"""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field
from pathlib import Path

from modelstream.convert import Constant
from modelstream.errors import BrokenModelError
from modelstream.job.models import model_at, place
from modelstream.job.pipeline import batch_of
from modelstream.models import DEFAULT_SIGNATURE, Model, OpenModel, warm_up
from modelstream_crds import v1alpha1 as api

COMPLETE = "COMPLETE"
"""Beside the files of the models when all are ready; what the readiness probe asks for."""

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True)
class Loaded:
    """What the ready file of a model says."""

    model: str
    path: str
    load_seconds: float
    warm_up_seconds: float | None
    """None for a model that is not warmed (``warmUp: false``), or that refused made-up input."""

    refused: str | None = None
    """What the model said to input of zeros and empty strings."""


@dataclass(frozen=True)
class Calls:
    """How one signature is warmed: in which batch sizes, and with what beside made-up records."""

    signature: str
    sizes: tuple[int, ...] = (1,)
    constants: Mapping[str, Constant] = field(default_factory=dict)


@dataclass(frozen=True)
class Declared:
    """A model of the manifest, and the calls that warm it."""

    model: Model
    path: Path
    calls: tuple[Calls, ...]


def declared(manifest: api.ModelStream, root: Path) -> Iterator[Declared]:
    """The models of the manifest where they are in a pod; nothing loaded that can be read."""
    for each in manifest.spec.models:
        path = place(each, root)
        model = model_at(path, each)
        yield Declared(model, path, _calls(manifest, each, model) if each.warm_up else ())


def _calls(manifest: api.ModelStream, spec: api.Model, model: Model) -> tuple[Calls, ...]:
    """Each signature once; the pipeline's with its constants, in the batch sizes it will get."""
    pipeline = manifest.spec.pipeline
    if pipeline is None or pipeline.inference.model != spec.name:
        return tuple(map(Calls, model.signatures))
    chosen = pipeline.inference.signature or DEFAULT_SIGNATURE
    sizes = batch_of(pipeline.inference.batch).warm_up_sizes
    constants = {name: Constant(each) for name, each in pipeline.inference.constants.items()}
    return (Calls(chosen, sizes, constants),) if chosen in model.signatures else ()


def load(each: Declared, keep: ExitStack, clock: Callable[[], float] = time.monotonic) -> Loaded:
    """Load one model into this process until ``keep`` closes, and warm it.

    Raises:
        ModelLoadError: TensorFlow refuses the model.
        BrokenModelError: it cannot work, whatever it is given.
    """
    started = clock()
    opened = keep.enter_context(each.model.open())
    loaded = clock()
    if not each.calls:
        return Loaded(each.model.name, str(each.path), loaded - started, None)
    refused = _warm(opened, each)
    warm = None if refused else clock() - loaded
    return Loaded(each.model.name, str(each.path), loaded - started, warm, refused)


def _warm(opened: OpenModel, each: Declared) -> str | None:
    try:
        for calls in each.calls:
            warm_up(opened, calls.signature, calls.sizes, calls.constants)
    except BrokenModelError:
        raise
    except Exception as error:  # made-up input may be refused in any way
        _LOG.warning("model %s was not warmed, it refuses empty input: %s", each.model.name, error)
        return str(error)[:500]
    return None


def load_all(
    manifest: api.ModelStream,
    root: Path,
    ready: Path,
    before: Callable[[], None] = lambda: None,
) -> list[Loaded]:
    """Prove in this process that every model works here; write the ready files.

    Args:
        manifest: says which models.
        root: where they are mounted.
        ready: the directory of the ready files.
        before: looks at the process after TensorFlow is there and before the first model.
    """
    clear(ready)
    models = list(declared(manifest, root))
    before()
    done = []
    with ExitStack() as keep:
        for each in models:
            done.append(load(each, keep))
            write(ready / f"{each.model.name}.json", json.dumps(asdict(done[-1])))
    write(ready / COMPLETE, "")
    return done


def clear(ready: Path) -> None:
    """Forget what an earlier container of this pod wrote."""
    ready.mkdir(parents=True, exist_ok=True)
    for file in ready.iterdir():
        file.unlink()


def write(path: Path, text: str) -> None:
    """A file that is either whole or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}")
    partial.write_text(text)
    partial.rename(path)


def tensorflow_devices() -> int:
    """How many GPUs TensorFlow of this image sees."""
    import tensorflow as tf

    return len(tf.config.list_physical_devices("GPU"))


def summary(done: list[Loaded]) -> str:
    """One line a model, for the log."""
    lines = []
    for each in done:
        seconds = each.warm_up_seconds
        warm = "not warmed" if seconds is None else f"warm-up {seconds:.1f} s"
        lines.append(f"model {each.model}: loaded in {each.load_seconds:.1f} s, {warm}")
    return "\n".join(lines)


def announce(done: list[Loaded]) -> None:
    """Say in the container's log what was loaded."""
    print(summary(done), file=sys.stderr, flush=True)
