"""The proof of a new revision, in a pod beside the job that runs: nothing of it is started."""

import os
import traceback
from collections.abc import Mapping

from modelstream.flink import jvm
from modelstream.job.build import prove
from modelstream.job.context import JobContext
from modelstream.job.models import place
from modelstream.models.packages import import_packages
from modelstream.pod import configuration
from modelstream.pod.entrypoint import operator_options, write_configuration
from modelstream.pod.failure import report, said
from modelstream.pod.paths import Paths
from modelstream.pod.restoring import prove_origin
from modelstream_crds import manifest
from modelstream_crds.v1alpha1 import ModelStream

HEAP = "-XX:MaxRAMPercentage=40"
"""Of the container's memory, which the JVM shares with Python: a quarter is Java's own default."""


def proof(paths: Paths, environment: Mapping[str, str]) -> int:
    """Prove what is mounted here; an error is the container's termination message."""
    try:
        prove_all(paths, environment)
    except Exception as error:  # the last place where Python's own words are known
        traceback.print_exc()
        report(said(error), paths.termination_log)
        return 1
    print("proven: the job can be built", flush=True)
    return 0


def prove_all(paths: Paths, environment: Mapping[str, str]) -> None:
    """What models import, and the job with all that Flink's JobManager would build it with.

    Raises:
        ModelStreamError: it cannot be built. Whatever else a program raises.
    """
    stream = manifest.load(paths.manifest)
    import_packages(imported(stream))
    operator = operator_options(paths)
    address = configuration.jobmanager_address("127.0.0.1", high_availability=False)
    options = write_configuration(paths, operator, address, environment)
    prove_origin(options, environment)
    os.environ["FLINK_CONF_DIR"] = str(paths.flink_conf)
    os.environ.setdefault("JVM_ARGS", HEAP)
    os.environ.setdefault("FLINK_IDENT_STRING", "modelstream")  # a user may have no name
    texts = {key: text(value) for key, value in options.items()}
    jvm.load_file_systems(texts, [paths.flink_home / "plugins"])
    models = {model.name: place(model, paths.models) for model in stream.spec.models}
    prove(stream, JobContext(model_paths=models, local=False), texts)


def imported(stream: ModelStream) -> list[str]:
    """The modules that models need: none where they may need a GPU, which this pod has not."""
    if stream.spec.gpu is not None and stream.spec.gpu.count:
        return []
    return [module for model in stream.spec.models for module in model.imports]


def text(value: object) -> str:
    """An option as Flink reads it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
