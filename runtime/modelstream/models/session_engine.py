"""Sessions: how a graph runs, whether it comes from a SavedModel or stands alone.

The v1 session loader takes TF1 and TF2 exports alike, and is the faster of TensorFlow's two.
"""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import numpy.typing as npt
import tensorflow as tf

from modelstream.errors import ModelError
from modelstream.models.eager_engine import FAULTS
from modelstream.models.layouts import flattened, is_callable, pieces
from modelstream.models.options import TensorFlowOptions
from modelstream.models.prepared import check_prepared
from modelstream.models.protocol import Fed
from modelstream.models.signature import Signature

Array = npt.NDArray[Any]
Symbols = Mapping[str, Any]
"""Tensors of a graph, by the names that a signature gives them."""

Feeds = Mapping[str, tuple[Any, ...]]
"""The tensors that each input is fed into: one, or those that a ragged tensor is made of."""

Functions = Mapping[str, tuple[Feeds, Symbols]]
"""The inputs and outputs of each signature."""


class SessionEngine:
    """A graph with its session, and one prepared call a signature."""

    faults = FAULTS

    def __init__(self, fill: Callable[[Any], Functions], options: TensorFlowOptions) -> None:
        graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=graph, config=_config(options))
        try:
            with graph.as_default(), tf.device(options.device), without_deprecations():
                functions = fill(self._session)
                outputs = (each for _, named in functions.values() for each in named.values())
                check_prepared(self._session, outputs)
                self._calls = {
                    name: _Call(self._session, *symbols) for name, symbols in functions.items()
                }
        except BaseException:
            self._session.close()
            raise

    @property
    def session(self) -> Any:
        """The session, with the graph in it."""
        return self._session

    def call(self, signature: str, inputs: Fed) -> dict[str, Array]:
        """Run a signature on arrays that fit it."""
        return self._calls[signature](inputs)

    def close(self) -> None:
        """End the calls before the session that they run in, and drop its graph with it."""
        self._calls.clear()
        session, self._session = self._session, None
        if session is not None:
            session.close()


class SavedModelEngine(SessionEngine):
    """A SavedModel in a session of its own."""

    def __init__(
        self,
        directory: Path,
        tags: tuple[str, ...],
        signatures: Mapping[str, Signature],
        options: TensorFlowOptions,
    ) -> None:
        def fill(session: Any) -> Functions:
            meta = tf.compat.v1.saved_model.loader.load(session, list(tags), str(directory))
            self._saver = meta.saver_def
            return {
                name: _symbols(meta.signature_def[name], signature, session.graph)
                for name, signature in signatures.items()
                if is_callable(signature)
            }

        super().__init__(fill, options)

    def save(self, prefix: str) -> str:
        """Write the variables with the saver that the exporter put into the graph.

        Raises:
            ModelError: the model has no variables.
        """
        written = self._session.run(self._part("save_tensor_name"), self._at(prefix))
        return bytes(written).decode()

    def restore(self, prefix: str) -> None:
        """Read the variables back."""
        self._session.run(self._part("restore_op_name"), self._at(prefix))

    def _at(self, prefix: str) -> dict[str, str]:
        return {self._part("filename_tensor_name"): prefix}

    def _part(self, field: str) -> str:
        name: str = getattr(self._saver, field)
        if not name:
            raise ModelError("the model was exported without variables: nothing to save or restore")
        return name


def _symbols(definition: Any, signature: Signature, graph: Any) -> tuple[Feeds, Symbols]:
    tensor = tf.compat.v1.saved_model.utils.get_tensor_from_tensor_info
    inputs = {
        name: tuple(graph.get_tensor_by_name(each) for each in _fed(definition, signature, name))
        for name in signature.inputs
    }
    outputs = {name: tensor(info, graph) for name, info in definition.outputs.items()}
    return inputs, outputs


def _fed(definition: Any, signature: Signature, name: str) -> list[str]:
    """The tensors of the graph that an input is fed into: one, or those of a ragged tensor."""
    if name in definition.inputs and definition.inputs[name].HasField("composite_tensor"):
        return [each.name for each in definition.inputs[name].composite_tensor.components]
    return [definition.inputs[part].name for part in signature.parts.get(name, (name,))]


class _Call:
    def __init__(self, session: Any, feeds: Feeds, fetches: Symbols) -> None:
        self._dtypes = {
            name: [each.dtype.as_numpy_dtype for each in parts] for name, parts in feeds.items()
        }
        self._run: Callable[..., dict[str, Any]] = session.make_callable(
            dict(fetches), feed_list=list(chain.from_iterable(feeds.values()))
        )

    def __call__(self, inputs: Fed) -> dict[str, Array]:
        try:
            outputs = self._run(*self._arrays(inputs))
        except UnicodeDecodeError as error:  # TensorFlow's message quotes bytes of the record
            raise ModelError(bytes(error.object).decode(errors="replace")) from None
        return {name: flattened(value) for name, value in outputs.items()}

    def _arrays(self, inputs: Fed) -> Iterator[Array]:
        """In the order of the feeds; bfloat16, which numpy does not know, comes as float32."""
        for name, dtypes in self._dtypes.items():
            for array, dtype in zip(pieces(inputs[name]), dtypes, strict=True):
                yield array if array.dtype.kind in "OSU" else array.astype(dtype, copy=False)


@contextmanager
def without_deprecations() -> Iterator[None]:
    """TensorFlow calls its v1 loader deprecated at each start; it is what loads every model."""

    def is_news(record: logging.LogRecord) -> bool:
        return "is deprecated and will be removed" not in str(record.msg)

    logger = logging.getLogger("tensorflow")
    logger.addFilter(is_news)
    try:
        yield
    finally:
        logger.removeFilter(is_news)


def _config(options: TensorFlowOptions) -> Any:
    config = tf.compat.v1.ConfigProto(
        allow_soft_placement=True,
        intra_op_parallelism_threads=options.intra_op or 0,
        inter_op_parallelism_threads=options.inter_op or 0,
    )
    gpu = config.gpu_options
    if options.memory_limit is None:
        gpu.allow_growth = options.memory_growth
    else:
        gpu.experimental.virtual_devices.add(memory_limit_mb=[options.memory_limit])
    return config
