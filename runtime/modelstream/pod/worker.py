"""A Python worker of Flink in a pod: takes its GPU, loads its models, then does what Flink asked.

Flink starts it through ``python.executable`` (bin/worker), one per slot.
"""

import logging
import os
import runpy
import sys
from contextlib import ExitStack

from modelstream.pod import gpu, preload
from modelstream.pod.paths import Paths
from modelstream_crds import manifest

_LOG = logging.getLogger(__name__)
_KEPT = ExitStack()
"""The models of this process: open until it ends."""


def main(arguments: list[str], paths: Paths) -> None:
    """Run ``-m MODULE ARGUMENTS…`` as Python would, with the models in memory."""
    module, rest = _module(arguments)
    claim = gpu.claim(os.environ, paths.devices)
    if claim is not None:
        print(f"this worker takes GPU {claim.device}", flush=True)
    _load_models(paths)
    paths.killed.unlink(missing_ok=True)
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _module(arguments: list[str]) -> tuple[str, list[str]]:
    match arguments:
        case ["-m", module, *rest]:
            return module, rest
        case _:
            raise SystemExit(f"expected -m MODULE and its arguments, got {arguments}")


def _load_models(paths: Paths) -> None:
    """A model that does not load fails in the function that uses it, where Flink reports it."""
    try:
        for each in preload.declared(manifest.load(paths.manifest), paths.models):
            done = preload.load(each, _KEPT)
            print(preload.summary([done]), flush=True)
    except Exception as error:  # told again, with its cause, by the function
        _LOG.warning("models are not preloaded: %s", error)
