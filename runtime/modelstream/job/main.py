"""Runs the job of a manifest inside a cluster: Flink's PythonDriver starts this."""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from modelstream.errors import ModelStreamError
from modelstream.flink import jvm
from modelstream.job import failures
from modelstream.job.build import build
from modelstream.job.context import JobContext
from modelstream.job.models import place
from modelstream_crds import manifest, names
from modelstream_crds.v1alpha1 import ModelStream

logger = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Submit the job of a manifest.

    Returns:
        0 when the job was accepted (in a cluster) or has finished.

    Raises:
        ModelStreamError: the job cannot be built, or failed.
        ManifestError: the manifest is refused.
    """
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    run(manifest.load(options.manifest), Path(options.models))
    return 0


def command() -> int:
    """``main`` for a shell: an error is one message and an exit code."""
    try:
        return main()
    except (ModelStreamError, manifest.ManifestError) as error:
        logger.debug("%s", failures.detail(error))
        print(f"modelstream: {error}", file=sys.stderr)
        return 1


def run(stream: ModelStream, models: Path) -> None:
    """Submit a job whose models are under one directory, as in a pod.

    Inside a cluster the job goes on when this returns; with an embedded Flink this waits for it.
    """
    in_cluster = jvm.is_driver()
    context = JobContext(
        model_paths={model.name: place(model, models) for model in stream.spec.models},
        local=not in_cluster,
    )
    job = build(stream, context)
    client = job.submit()
    if client is not None:
        logger.info("submitted %s as job %s", job.name, client.get_job_id())
        if not in_cluster:
            job.wait(client)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m modelstream.job", description=__doc__)
    parser.add_argument("manifest", type=Path, nargs="?", default=Path(names.MANIFEST_PATH))
    parser.add_argument("--models", default=names.MODELS_ROOT, help="directory of the models")
    return parser
