"""What can be told of a job before Flink is started: in a second instead of ten."""

from urllib.parse import urlsplit

from modelstream.errors import OptionError
from modelstream.job import pipeline
from modelstream.job.build import job_needs, open_models
from modelstream.job.context import JobContext
from modelstream.job.store import local_path
from modelstream_crds.v1alpha1 import ModelStreamSpec, Source


def precheck(spec: ModelStreamSpec, context: JobContext) -> None:
    """Raise what the job would be refused for: models, connectors, signature against columns."""
    models = open_models(spec, context)
    job_needs(spec)
    if spec.pipeline is None or spec.pipeline.inference.model not in models:
        return
    if "fs.default-scheme" not in spec.flink.configuration:
        _check_files(spec.pipeline.source)
    model = models[spec.pipeline.inference.model]
    columns = {column.name: column.type for column in spec.pipeline.source.schema_}
    place = context.model_paths[spec.pipeline.inference.model]
    pipeline.method(model, spec.pipeline.inference, place).bind(model).check(columns)


def _check_files(source: Source) -> None:
    """Files on this machine are there; what another file system has is Flink's to find out."""
    path = source.options.get("path", "")
    if source.connector != "filesystem" or urlsplit(path).scheme not in ("", "file"):
        return
    if not local_path(path).exists():
        raise OptionError(
            f"pipeline.source.options.path: there is no file and no directory {local_path(path)}; "
            f"for another place --set spec.pipeline.source.options.path=DIR"
        )
