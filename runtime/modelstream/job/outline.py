"""What a job of a manifest is laid out as, told without Flink: from the source to the sinks."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelstream.convert import ColumnType
from modelstream.job import guarantees, pipeline, settings, tables
from modelstream.job.build import job_needs
from modelstream.job.context import JobContext
from modelstream.job.guarantees import Leg
from modelstream.job.secrets import Secrets
from modelstream.models import BoundMethod, Model
from modelstream.scoring.plan import Plan
from modelstream_crds.v1alpha1 import ModelStream, Pipeline, SecretKey, Sink


@dataclass(frozen=True)
class End:
    """A table of a pipeline.

    Attributes:
        field: its place in the pipeline.
        connector: by Flink's name.
        format: by Flink's name.
        options: as Flink gets them; of a Secret its name.
        columns: what a record of it has; none where the dead letters say it.
    """

    field: str
    connector: str
    format: str | None
    options: Mapping[str, str]
    columns: tuple[ColumnType, ...] = ()


@dataclass(frozen=True)
class Feed:
    """What feeds a tensor of the model: a column, or one value for all records."""

    tensor: str
    takes: str
    column: str | None = None
    type: str | None = None
    constant: object = None


@dataclass(frozen=True)
class Given:
    """A column that the model gives, and the tensors that it is read of."""

    column: str
    type: str
    tensors: tuple[str, ...]


@dataclass(frozen=True)
class Called:
    """A model, and how it is called.

    Attributes:
        model: its name.
        place: where it is here.
        signature: the function of it.
        method: how that is called; empty in SQL.
        feeds: what feeds its tensors.
        gives: its columns.
        kept: columns of the source that go on beside them.
        batch: how many records a call takes, in words.
        on_error: what becomes of a record that cannot be scored.
    """

    model: str
    place: str
    signature: str
    method: str = ""
    feeds: tuple[Feed, ...] = ()
    gives: tuple[Given, ...] = ()
    kept: tuple[str, ...] = ()
    batch: str = ""
    on_error: str = ""


@dataclass(frozen=True)
class Outline:
    """The whole job.

    Attributes:
        name: the job's.
        kind: pipeline, sql or python.
        mode: Streaming or Batch.
        ends: source, sink and dead letters of a pipeline.
        models: one of a pipeline; each a function of SQL.
        guarantees: what each leg guarantees.
        options: Flink's, that the manifest results in.
        jars: that are fetched, where Flink does not have them.
    """

    name: str
    kind: str
    mode: str
    ends: tuple[End, ...] = ()
    models: tuple[Called, ...] = ()
    guarantees: tuple[Leg, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)
    jars: tuple[str, ...] = ()


class _Named(Secrets):
    """Says where a secret value is instead of reading it."""

    def __init__(self) -> None:
        super().__init__(lambda name, key: Path())

    def options(self, keys: Mapping[str, SecretKey], field: str) -> dict[str, str]:
        """Each option with the name of its Secret."""
        return {option: f"(Secret {key.name}/{key.key})" for option, key in keys.items()}


def outline(stream: ModelStream, where: JobContext, models: Mapping[str, Model]) -> Outline:
    """What the job of a valid manifest is laid out as.

    Args:
        stream: the manifest.
        where: what is there.
        models: their signatures read, by name.

    Raises:
        SignatureMismatchError: columns and model do not fit; and whatever else refuses the job.
    """
    spec = stream.spec
    kind = "pipeline" if spec.pipeline else "sql" if spec.sql else "python"
    ends: tuple[End, ...] = ()
    called: tuple[Called, ...] = ()
    if spec.pipeline is not None:
        name = spec.pipeline.inference.model
        plan = pipeline.checked(spec.pipeline, models[name], where.model_paths[name])
        called = (_called(spec.pipeline, plan, where.model_paths[name]),)
        ends = tuple(_ends(stream, spec.pipeline, plan))
    elif spec.sql is not None:
        called = tuple(
            _function(name, Plan.of(model).bound, where.model_paths[name])
            for name, model in models.items()
        )
    return Outline(
        stream.metadata.name,
        kind,
        spec.flink.runtime_mode.value,
        ends,
        called,
        tuple(guarantees.legs(spec)),
        settings.job_options(spec, where, _Named(), ()),
        tuple(jar.file_name for jar in job_needs(spec).jars),
    )


def _ends(stream: ModelStream, spec: Pipeline, plan: Plan) -> list[End]:
    types = {column.name: column.type for column in spec.source.schema_}
    columns = tuple(ColumnType(*each) for each in types.items())
    kept = tuple(ColumnType(name, types[name]) for name in plan.kept)
    job = guarantees.identity(stream.metadata)

    def sink(field: str, end: Sink, columns: tuple[ColumnType, ...] = ()) -> End:
        table = tables.sink_plan(end, _Named(), field, job)
        return End(field, end.connector, end.format, table.options, columns)

    source = tables.source_plan(spec.source, _Named())
    found = [
        End("source", source.connector, source.format, source.options, columns),
        sink("sink", spec.sink, (*kept, *plan.bound.output_columns)),
    ]
    if spec.dead_letter is not None:
        found.append(sink("deadLetter", spec.dead_letter))
    return found


def _called(spec: Pipeline, plan: Plan, place: Path) -> Called:
    types = {column.name: column.type for column in spec.source.schema_}
    constants = spec.inference.constants
    feeds = [
        Feed(tensor, str(spec_of), column=column, type=types[column])
        for tensor, column in plan.bound.feeds.items()
        for spec_of in [plan.bound.signature.inputs[tensor]]
    ]
    feeds += [
        Feed(tensor, str(plan.bound.signature.inputs[tensor]), constant=constants.get(tensor))
        for tensor in plan.bound.constants
    ]
    return Called(
        plan.model.name,
        str(place),
        plan.bound.signature.name,
        type(pipeline.method(plan.model, spec.inference, place)).__name__,
        tuple(feeds),
        _given(plan.bound),
        plan.kept,
        _batch(plan),
        spec.inference.on_error.value,
    )


def _function(name: str, bound: BoundMethod, place: Path) -> Called:
    """A model as a function of SQL, whose calls say what feeds it."""
    feeds = tuple(Feed(tensor, str(bound.signature.inputs[tensor])) for tensor in bound.feeds)
    return Called(name, str(place), bound.signature.name, feeds=feeds, gives=_given(bound))


def _given(bound: BoundMethod) -> tuple[Given, ...]:
    sources = getattr(bound.reader, "sources", {})
    return tuple(
        Given(each.name, each.type, (sources[each.name],) if each.name in sources else all_of)
        for all_of in [tuple(bound.reader.tensors)]
        for each in bound.output_columns
    )


def _batch(plan: Plan) -> str:
    batch = plan.batch
    if batch is None:
        return ""
    sizes = f", padded to {', '.join(map(str, batch.allowed_sizes))}" if batch.allowed_sizes else ""
    seconds = batch.max_latency.total_seconds()
    return f"up to {batch.max_size:,} records, which wait {seconds * 1000:g} ms at most{sizes}"
