"""From a manifest to a Flink job: what it needs is brought, then it is laid out, then it runs.

Without the last step it is proven: built and planned, and not submitted.
"""

import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from modelstream import embedded, reasons
from modelstream.errors import JobError
from modelstream.flink import jvm
from modelstream.job import (
    artifacts,
    connectors,
    failures,
    guarantees,
    pipeline,
    places,
    script,
    settings,
    sqljob,
)
from modelstream.job.artifacts import Progress
from modelstream.job.calls import Call
from modelstream.job.connectors import Needs
from modelstream.job.context import JobContext
from modelstream.job.models import model_at
from modelstream.job.script import Submitted, submitted_jobs
from modelstream.job.secrets import Secrets
from modelstream.job.sqljob import Script
from modelstream.models import Model, running
from modelstream_crds.v1alpha1 import ModelStream, ModelStreamSpec, RuntimeMode

if TYPE_CHECKING:
    from pyflink.common import JobClient
    from pyflink.table import StatementSet, StreamTableEnvironment

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class BuiltJob:
    """A job that is ready to run.

    Attributes:
        name: what Flink calls the job.
        t_env: the environment; a ``python`` job makes its own.
        inserts: what runs; None for a ``python`` job.
        calls: the calls of models in SQL, each with what feeds it.
        jobs: those that the program has submitted by now, locally.
    """

    name: str
    spec: ModelStreamSpec
    context: JobContext
    options: Mapping[str, str]
    secrets: Secrets
    t_env: "StreamTableEnvironment | None" = None
    inserts: "StatementSet | None" = field(default=None)
    calls: tuple[Call, ...] = ()
    jobs: list[Submitted] = field(default_factory=list, compare=False)

    def translated(self) -> AbstractContextManager[None]:
        """What Flink raises inside the block becomes a JobError, without secrets."""
        return failures.translated(self.secrets.redact, self._place)

    def _place(self, record: str) -> str | None:
        pipeline = self.spec.pipeline
        return None if pipeline is None else places.place_of(pipeline.source, record)

    def submit(self) -> "JobClient | None":
        """Start the job.

        A ``python`` job runs its program to the end here and gives no client; locally also the
        jobs that the program leaves running.

        Raises:
            JobError: Flink refuses the job, or the program fails.
        """
        embedded.forget()
        reasons.forget()
        with self.translated():
            if self.inserts is None:
                assert self.spec.python is not None
                jobs: AbstractContextManager[list[Submitted]] = (
                    submitted_jobs(self.jobs) if self.context.local else nullcontext([])
                )
                with jvm.default_options(self.options), jobs as submitted:
                    script.run(self.spec.python, self.context)
                for job in submitted:
                    if job.left:
                        job.client.get_job_execution_result().result()
                return None
            return self.inserts.execute().get_job_client()

    def wait(self, client: "JobClient") -> None:
        """Wait until the job ends.

        Raises:
            JobError: it failed; the message names the cause.
        """
        with self.translated():
            client.get_job_execution_result().result()


def build(
    manifest: ModelStream, where: JobContext, progress: Progress = artifacts.silent
) -> BuiltJob:
    """Make a job of a manifest.

    Args:
        manifest: a valid one.
        where: the models, secrets and mounts of this machine or pod.
        progress: told about jars that are being fetched.

    Raises:
        JobError: the job cannot be built; SignatureMismatchError and the like for its model.
    """
    spec, secrets = manifest.spec, Secrets(where.secret)
    with failures.translated(secrets.redact):
        guarantees.check_statements(spec)
        models = open_models(spec, where)
        options = flink_options(spec, where, secrets, progress)
        running.provide(models)
        name = manifest.metadata.name
        if spec.python is not None:
            return BuiltJob(name, spec, where, options, secrets)
        t_env = table_environment(spec, {"pipeline.name": name, **options})
        script = _script(t_env, manifest, where, models, secrets, options)
        return BuiltJob(name, spec, where, options, secrets, t_env, script.inserts, script.calls)


def open_models(spec: ModelStreamSpec, where: JobContext) -> dict[str, Model]:
    """The manifest's models, their signatures read, nothing loaded.

    Raises:
        JobError: the context has no directory for a model.
    """
    found = {}
    for model in spec.models:
        if model.name not in where.model_paths:
            raise JobError(
                f"spec.models: nothing was given for {model.name!r} ({model.uri}); "
                f"locally, give its directory with --model {model.name}=DIR"
            )
        found[model.name] = model_at(where.model_paths[model.name], model)
    return found


def job_needs(spec: ModelStreamSpec, in_cluster: bool = False) -> Needs:
    """The jars and file systems that a manifest names.

    Args:
        spec: the manifest's.
        in_cluster: whether the image may have connectors of its own.

    Raises:
        ConnectorError: an unknown connector or format, or a required option that is missing.
    """
    configuration = spec.flink.configuration
    found = connectors.needs_of_paths(configuration.values())
    if spec.state is not None:
        found |= connectors.needs_of_paths([spec.state.storage])
    if spec.pipeline is not None:
        own = "pipeline.jars" in configuration or in_cluster
        found |= pipeline.needs(spec.pipeline, own)
    if spec.sql is not None:
        found |= sqljob.needs(spec.sql.statements)
    return found


def table_environment(
    spec: ModelStreamSpec, options: Mapping[str, str]
) -> "StreamTableEnvironment":
    """The environment of a job, with its options set."""
    from pyflink.datastream import StreamExecutionEnvironment
    from pyflink.table import EnvironmentSettings, StreamTableEnvironment

    batch = spec.flink.runtime_mode is RuntimeMode.BATCH
    env = StreamExecutionEnvironment.get_execution_environment(jvm.configuration(options))
    mode = EnvironmentSettings.in_batch_mode() if batch else EnvironmentSettings.in_streaming_mode()
    return StreamTableEnvironment.create(env, mode)


def flink_options(
    spec: ModelStreamSpec, where: JobContext, secrets: Secrets, progress: Progress
) -> dict[str, str]:
    """Flink's options, once the jars and file systems that the job needs are there.

    Raises:
        ConnectorError: it needs what is not known; FetchError: what cannot be fetched.
    """
    needs = job_needs(spec, in_cluster=not where.local)
    if not where.local:
        return settings.job_options(spec, where, secrets, ())
    home = connectors.flink_home()
    jars = connectors.missing(needs.jars, [home / "lib"])
    fetched = artifacts.ensure_all(jars, progress=progress)
    options = settings.job_options(spec, where, secrets, fetched)
    absent = connectors.missing(needs.plugins, [home / "plugins"])
    present: list[Path] = artifacts.ensure_all(absent, progress=progress)
    if needs.plugins:
        jvm.load_file_systems(options, artifacts.plugin_directories(present, home / "plugins"))
    return options


def _script(
    t_env: "StreamTableEnvironment",
    manifest: ModelStream,
    where: JobContext,
    models: Mapping[str, Model],
    secrets: Secrets,
    options: Mapping[str, str],
) -> Script:
    spec = manifest.spec
    if spec.sql is not None:
        return sqljob.build(t_env, spec.sql, models, secrets.redact)
    assert spec.pipeline is not None
    name = spec.pipeline.inference.model
    if name not in models:
        raise JobError(f"pipeline.inference.model: {name!r} is not in spec.models")

    def effective() -> dict[str, str]:
        configured: Any = t_env.get_config().get_configuration().to_dict()
        return {**configured, **options}

    warm_up = next(model.warm_up for model in spec.models if model.name == name)
    place = where.model_paths[name]
    job = guarantees.identity(manifest.metadata)
    inserts = pipeline.build(
        t_env, spec.pipeline, models[name], place, secrets, warm_up, effective, job
    )
    return Script(inserts, ())


_NONE: Mapping[str, str] = MappingProxyType({})


def prove(stream: ModelStream, where: JobContext, options: Mapping[str, str] = _NONE) -> BuiltJob:
    """Build the job of a manifest as it would be submitted, and let Flink plan it.

    Signatures are held against columns and arguments, connectors and tables are found, SQL is
    planned; a program runs up to where it would submit its job, and no further.

    Args:
        stream: a valid manifest.
        where: the models, secrets and mounts of this machine or pod.
        options: Flink's, in the cluster that the job is for.

    Returns:
        The job that was not submitted.

    Raises:
        JobError: the job cannot be built, or the program submits none; SignatureMismatchError and
            the like for its model. Whatever else a program raises.
    """
    with jvm.planned(options) as has_plan:
        job = build(stream, where)
        try:
            job.submit()
        except Exception:
            if not has_plan():
                raise
    if not has_plan():
        raise JobError(
            "the program ended and submitted no job: end it with execute_insert, a statement set's "
            "execute, or env.execute"
        )
    return job
