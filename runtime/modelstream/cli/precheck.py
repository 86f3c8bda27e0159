"""What can be told of a job before Flink is started: in a second instead of ten."""

from modelstream.job import pipeline
from modelstream.job.build import job_needs, open_models
from modelstream.job.context import JobContext
from modelstream_crds.v1alpha1 import ModelStreamSpec


def precheck(spec: ModelStreamSpec, context: JobContext) -> None:
    """Raise what the job would be refused for: models, connectors, signature against columns."""
    models = open_models(spec, context)
    job_needs(spec)
    if spec.pipeline is None or spec.pipeline.inference.model not in models:
        return
    model = models[spec.pipeline.inference.model]
    columns = {column.name: column.type for column in spec.pipeline.source.schema_}
    place = context.model_paths[spec.pipeline.inference.model]
    pipeline.method(model, spec.pipeline.inference, place).bind(model).check(columns)
