"""The Flink options of a job: what the manifest says and what a local run adds."""

import re
from collections.abc import Sequence
from pathlib import Path

from modelstream.flink.environment import SHARED_PLAN
from modelstream.job.context import JobContext
from modelstream.job.secrets import Secrets
from modelstream_crds import quantities
from modelstream_crds.v1alpha1 import ModelStreamSpec, Pipeline, RuntimeMode

DEFAULT_INTERVAL = "10 s"
"""How often a streaming job without ``state`` commits: file sinks publish at checkpoints."""

OBJECT_REUSE = "pipeline.object-reuse"
_NO_COPIES = frozenset({"filesystem", "kafka", "upsert-kafka", "print", "blackhole"})
"""Connectors that keep no row that they are given, or copy it themselves."""

_CLAIM = re.compile(r"^pvc://([^/]+)/?(.*)$")


def job_options(
    spec: ModelStreamSpec, context: JobContext, secrets: Secrets, jars: Sequence[Path]
) -> dict[str, str]:
    """Every option that the job's environment is made with.

    In a pod the cluster's configuration is in force already; only what belongs to the job
    itself is added. A local run brings the whole of it.
    """
    parallelism = context.parallelism or spec.flink.parallelism
    options = {"execution.runtime-mode": spec.flink.runtime_mode.value.upper()}
    if spec.sql is not None:
        options[SHARED_PLAN] = spec.flink.configuration.get(SHARED_PLAN, "true")
    if spec.pipeline is not None and _needs_no_copies(spec.pipeline):
        # Without it Flink copies each record for each operator, and the copies are a tenth of the
        # JVM's work.
        options[OBJECT_REUSE] = spec.flink.configuration.get(OBJECT_REUSE, "true")
    if parallelism is not None or context.local:
        options["parallelism.default"] = str(parallelism or 1)
    if context.local:
        options |= _local_options(spec, context, jars)
        options |= secrets.options(spec.flink.secret_configuration, "flink.secretConfiguration")
    return {**options, **context.configuration}


def _needs_no_copies(pipeline: Pipeline) -> bool:
    """Whether an operator may hand on the row that it was given: those of the model do."""
    ends = (pipeline.source, pipeline.sink, pipeline.dead_letter)
    return all(end is None or end.connector in _NO_COPIES for end in ends)


def _local_options(
    spec: ModelStreamSpec, context: JobContext, jars: Sequence[Path]
) -> dict[str, str]:
    options = {
        "restart-strategy.type": "none",
        # As on a cluster: ids of tables' operators that are the same at every parallelism.
        "table.exec.uid.generation": "ALWAYS",
        **_state_options(spec, context),
    }
    options |= spec.flink.configuration
    if jars:
        own = [jar for jar in options.get("pipeline.jars", "").split(";") if jar]
        fetched = [path.resolve().as_uri() for path in jars]
        options["pipeline.jars"] = ";".join([*own, *fetched])
    if context.restore_from is not None:
        options["execution.state-recovery.path"] = context.restore_from
    return options


def _state_options(spec: ModelStreamSpec, context: JobContext) -> dict[str, str]:
    if spec.flink.runtime_mode is RuntimeMode.BATCH:
        return {}
    if spec.state is None:
        return {"execution.checkpointing.interval": DEFAULT_INTERVAL}
    directory = state_directory(spec.state.storage, context)
    interval = quantities.duration(spec.state.checkpoint_interval)
    return {
        "execution.checkpointing.interval": f"{int(interval.total_seconds() * 1000)} ms",
        "execution.checkpointing.dir": f"{directory}/checkpoints",
        "execution.checkpointing.savepoint-dir": f"{directory}/savepoints",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        # A job that has something to come back to is restarted, but not for ever.
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "500 ms",
        "restart-strategy.exponential-delay.attempts-before-reset-backoff": "5",
    }


def state_directory(storage: str, context: JobContext) -> str:
    """Where state is kept; a claim is the directory that was given for it."""
    claim = _CLAIM.match(storage)
    if claim is None:
        return storage.rstrip("/")
    directory = context.mount(claim.group(1)).resolve() / claim.group(2)
    return directory.as_uri().rstrip("/")
