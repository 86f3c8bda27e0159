"""The v1 session loader: loads TF1 and TF2 exports alike, and is the faster of the two."""

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy.typing as npt
import tensorflow as tf

from modelstream.errors import ModelError
from modelstream.model.layouts import flattened, is_dense
from modelstream.model.protocol import Tensors
from modelstream.model.runtime import Runtime
from modelstream.model.signature import Signature

Array = npt.NDArray[Any]


class SessionEngine:
    """A graph with its session, and one prepared call a signature."""

    def __init__(
        self,
        directory: Path,
        tags: tuple[str, ...],
        signatures: Mapping[str, Signature],
        runtime: Runtime,
    ) -> None:
        graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=graph, config=_config(runtime))
        try:
            with graph.as_default(), _unexcited():
                meta = tf.compat.v1.saved_model.loader.load(
                    self._session, list(tags), str(directory)
                )
                self._calls = {
                    name: _Call(self._session, meta.signature_def[name])
                    for name, signature in signatures.items()
                    if is_dense(signature)
                }
        except BaseException:
            self._session.close()
            raise

    def call(self, signature: str, inputs: Tensors) -> dict[str, Array]:
        """Run a signature on arrays that fit it."""
        return self._calls[signature](inputs)

    def close(self) -> None:
        """End the calls before the session that they run in."""
        self._calls.clear()
        self._session.close()


class _Call:
    def __init__(self, session: Any, definition: Any) -> None:
        graph = session.graph
        tensor = tf.compat.v1.saved_model.utils.get_tensor_from_tensor_info
        feeds = {name: tensor(info, graph) for name, info in definition.inputs.items()}
        fetches = {name: tensor(info, graph) for name, info in definition.outputs.items()}
        self._dtypes = {name: feed.dtype.as_numpy_dtype for name, feed in feeds.items()}
        self._run: Callable[..., dict[str, Any]] = session.make_callable(
            fetches, feed_list=list(feeds.values())
        )

    def __call__(self, inputs: Tensors) -> dict[str, Array]:
        try:
            outputs = self._run(*self._arrays(inputs))
        except UnicodeDecodeError as error:  # TensorFlow's message quotes bytes of the record
            raise ModelError(bytes(error.object).decode(errors="replace")) from None
        return {name: flattened(value) for name, value in outputs.items()}

    def _arrays(self, inputs: Tensors) -> Iterator[Array]:
        """In the order of the feeds; bfloat16, which numpy does not know, comes as float32."""
        for name, dtype in self._dtypes.items():
            array = inputs[name]
            yield array if array.dtype.kind in "OSU" else array.astype(dtype, copy=False)


@contextmanager
def _unexcited() -> Iterator[None]:
    """TensorFlow calls its v1 loader deprecated at each start; it is what loads every model."""

    def is_news(record: logging.LogRecord) -> bool:
        return "is deprecated and will be removed" not in str(record.msg)

    logger = logging.getLogger("tensorflow")
    logger.addFilter(is_news)
    try:
        yield
    finally:
        logger.removeFilter(is_news)


def _config(runtime: Runtime) -> Any:
    config = tf.compat.v1.ConfigProto(
        allow_soft_placement=True,
        intra_op_parallelism_threads=runtime.intra_op or 0,
        inter_op_parallelism_threads=runtime.inter_op or 0,
    )
    config.gpu_options.allow_growth = runtime.memory_growth
    return config
