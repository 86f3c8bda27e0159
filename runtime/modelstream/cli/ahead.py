"""What a local run needs in the end, brought while its JVM starts: TensorFlow takes seconds."""

import contextlib
import importlib
import os
import threading
from collections.abc import Mapping

_WORKERS = "_python_worker_execution_mode"
_SHARED = (
    *("numpy", "google.protobuf.descriptor_pb2", "google.protobuf.json_format"),
    *("google.protobuf.text_format", "google.protobuf.internal.builder"),
)
"""What Flink's Python and TensorFlow both import: it is there before two threads import at once."""


def bring(environment: Mapping[str, str] | None = None) -> threading.Thread | None:
    """Import TensorFlow in a thread of its own, where Python functions will run in this process.

    An import that fails is told where TensorFlow is needed, by whoever imports it then.
    """
    if (os.environ if environment is None else environment).get(_WORKERS) == "process":
        return None
    for name in _SHARED:
        importlib.import_module(name)
    thread = threading.Thread(target=_import, args=("tensorflow",), name="imports ahead")
    thread.start()
    return thread


def _import(name: str) -> None:
    with contextlib.suppress(Exception):
        importlib.import_module(name)
