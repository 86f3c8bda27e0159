"""``pipeline`` jobs: source → model → sink, and dead letters beside it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from modelstream import failure
from modelstream.convert import Constant, Fit, Image, Inputs
from modelstream.errors import JobError
from modelstream.job import connectors, csvfiles, decode, encode, files, places, tables
from modelstream.job.connectors import Needs
from modelstream.job.models import read_labels
from modelstream.job.secrets import Secrets
from modelstream.job.tables import TablePlan
from modelstream.models import Classify, Method, Model, Predict, Regress, method_for
from modelstream.models.signature import find_signature
from modelstream.scoring.batch import Batch
from modelstream.scoring.plan import Plan
from modelstream_crds import quantities
from modelstream_crds.v1alpha1 import Batch as BatchSpec
from modelstream_crds.v1alpha1 import Column, Inference, OnError, Pipeline, Sink, Source
from modelstream_crds.v1alpha1 import Method as MethodName

if TYPE_CHECKING:
    from pyflink.table import Expression, StatementSet, StreamTableEnvironment, Table

    from modelstream.flink.tables import Raw
    from modelstream.scoring.records import RecordDecoder

_LINE = "CONCAT(DECODE(`{}`, 'UTF-8'), ':', CAST(`{}` AS STRING))"
_KEY_FORMAT, _KEY_FIELDS, _KEY_PREFIX = "key.format", "key.fields", "key.fields-prefix"


@dataclass(frozen=True)
class Read:
    """What a source gives: a table, and how its payload becomes columns where Flink does not.

    Attributes:
        table: the source.
        decoder: makes the record's columns of the payload; None when Flink decoded it.
        raw: where the raw records are.
        key: the column that identifies the record in a dead letter.
    """

    table: "Table"
    decoder: "RecordDecoder | None" = None
    raw: "Raw | None" = None
    key: str | None = None


def needs(pipeline: Pipeline, own_jars: bool) -> Needs:
    """The jars of every end of the pipeline."""
    found = connectors.NOTHING
    for field, end in ends(pipeline):
        found |= connectors.needs_of(tables.endpoint(field, end), own_jars)
    return found


def ends(pipeline: Pipeline) -> list[tuple[str, Source | Sink]]:
    """Source and sinks with their places in the manifest."""
    named: list[tuple[str, Source | Sink]] = [("source", pipeline.source), ("sink", pipeline.sink)]
    if pipeline.dead_letter is not None:
        named.append(("deadLetter", pipeline.dead_letter))
    return named


def build(
    t_env: "StreamTableEnvironment",
    pipeline: Pipeline,
    model: Model,
    place: Path,
    secrets: Secrets,
    warm_up: bool,
    options: Callable[[], dict[str, str]],
    job: str,
) -> "StatementSet":
    """Lay the pipeline out; nothing runs yet.

    Args:
        t_env: where.
        pipeline: the manifest's.
        model: the one that ``inference.model`` names.
        place: where the model is, and its labels.
        secrets: reads secret options.
        warm_up: call the model before the first record.
        options: Flink's options, for file systems that are read beside Flink.
        job: what tells the job from others.

    Raises:
        SignatureMismatchError: columns and model do not fit.
        JobError: anything else that cannot work.
    """
    from modelstream.flink.tables import over_table

    read = _read(t_env, pipeline, secrets, options)
    if read.decoder is not None:
        decode.check_kept(read.decoder, _keep(pipeline))
    plan = replace(planned(pipeline, model, place), key=read.key, warm_up=warm_up)
    plan = replace(plan, decoder=read.decoder)
    sink = tables.sink_plan(pipeline.sink, secrets, "sink", job)
    plan, sink = encode.beside(plan, sink, pipeline.source.schema_)
    inferred = over_table(read.table, plan, read.raw)
    inserts = t_env.create_statement_set()
    written = plan.encoder is not None
    scored = inferred.scored if written else decode.restored(inferred.scored, read.decoder)
    inserts.add_insert(sink.descriptor(), scored)
    if pipeline.dead_letter is not None and inferred.dead_letters is not None:
        letters = tables.sink_plan(pipeline.dead_letter, secrets, "deadLetter", job)
        inserts.add_insert(letters.descriptor(), inferred.dead_letters)
    return inserts


def planned(pipeline: Pipeline, model: Model, place: Path) -> Plan:
    """How records are scored, as the manifest states it.

    Raises:
        SignatureMismatchError: method and model do not fit.
        JobError: there are no labels in the model's ``place``.
    """
    inference = pipeline.inference
    return Plan.of(
        model,
        method(model, inference, place),
        keep=_keep(pipeline),
        batch=batch_of(inference.batch),
        on_error=_on_error(inference.on_error),
    )


def checked(pipeline: Pipeline, model: Model, place: Path) -> Plan:
    """The same, held against the columns of the source.

    Raises:
        SignatureMismatchError: columns and model do not fit.
    """
    columns = {column.name: column.type for column in pipeline.source.schema_}
    plan = planned(pipeline, model, place).over(columns)
    plan.bound.check(columns)
    return plan


def method(model: Model, inference: Inference, place: Path) -> Method:
    """The method that the manifest states, or that the signature's exporter meant.

    Raises:
        JobError: there are no labels in the model's ``place``.
    """
    signature = find_signature(model.signatures, inference.signature, model.name)
    inputs, outputs = _inputs(inference), inference.outputs or None
    match inference.method:
        case None:
            meant = method_for(signature)
            if not isinstance(meant, Predict | Classify | Regress):
                return meant
            return replace(meant, inputs=inputs, outputs=outputs)
        case MethodName.PREDICT:
            return Predict(signature.name, inputs=inputs, outputs=outputs)
        case MethodName.REGRESS:
            return Regress(signature.name, inputs=inputs, outputs=outputs)
        case MethodName.CLASSIFY:
            return _classify(signature.name, inference, place)


def decoded_here(pipeline: Pipeline) -> bool:
    """Whether records are read raw and decoded beside the model, so that a bad one costs itself."""
    return pipeline.inference.on_error is not OnError.FAIL and pipeline.source.format is not None


def check_decoder(pipeline: Pipeline) -> None:
    """Refuse columns that cannot be decoded here, where they are.

    Raises:
        OptionError: names the type, or the option.
    """
    source = pipeline.source
    if not decoded_here(pipeline) or source.format == "file":
        return
    keys = key_columns(tables.TablePlan(source.connector, source.format, source.options))
    fields = [each for each in source.schema_ if not each.metadata and each.name not in keys]
    decode.decoder(str(source.format), fields, source.options)


def _inputs(inference: Inference) -> Inputs | None:
    """Tensor → column, the image that its column holds, or one value for all records."""
    images = {
        tensor: Image(
            inference.inputs.get(tensor, tensor),
            size=(spec.height, spec.width) if spec.height and spec.width else None,
            fit=Fit(spec.fit.lower()),
            mean=spec.mean or 0.0,
            std=spec.std or 1.0,
        )
        for tensor, spec in inference.images.items()
    }
    constants = {tensor: Constant(value) for tensor, value in inference.constants.items()}
    return {**inference.inputs, **images, **constants} or None


def _classify(signature: str, inference: Inference, place: Path) -> Classify:
    top_k = inference.classify.top_k if inference.classify else 1
    threshold = inference.classify.threshold if inference.classify else None
    labels = inference.classify.labels if inference.classify else None
    return Classify(
        signature,
        inputs=_inputs(inference),
        outputs=inference.outputs or None,
        top_k=top_k,
        threshold=threshold,
        labels=read_labels(place, labels) if labels else (),
        cut=inference.classify.cut if inference.classify else None,
    )


def _read(
    t_env: "StreamTableEnvironment",
    pipeline: Pipeline,
    secrets: Secrets,
    options: Callable[[], dict[str, str]],
) -> Read:
    from modelstream.flink.tables import Raw

    plan = tables.source_plan(pipeline.source, secrets)
    if plan.format == "file":
        source = files.file_source(plan, options())
        text = f"CONCAT(DECODE(`{source.payload}`, 'UTF-8'), ':1')"
        raw = Raw(source.payload, source=text)
        return Read(source.table(t_env), source.decoder, raw, source.payload)
    if not decoded_here(pipeline):
        return Read(t_env.from_descriptor(plan.descriptor()))
    return _read_raw(t_env, plan, options)


def _read_raw(
    t_env: "StreamTableEnvironment", plan: TablePlan, options: Callable[[], dict[str, str]]
) -> Read:
    from pyflink.table import DataTypes
    from pyflink.table.expressions import col, lit

    from modelstream.flink.tables import Raw

    fields = tuple(column for column in plan.columns if not column.metadata)
    keys = key_columns(plan)
    decoder = decode.decoder(
        str(plan.format),
        tuple(field for field in fields if field.name not in keys),
        plan.options,
    )
    payload = tables.unused_name("payload", plan.columns)
    hidden, source = _place(plan, payload, options)
    raw = TablePlan(
        plan.connector,
        "raw",
        decode.without_format_options(str(plan.format), plan.options),
        (
            *(c for c in fields if c.name in keys),
            *tables.raw_columns(payload, plan.columns),
            *(hidden if plan.format != "csv" or plan.connector == "kafka" else ()),
        ),
    )
    if (plan.connector, plan.format) == ("filesystem", "csv"):
        files_of = csvfiles.csv_files(raw, decode.csv_dialect(plan.options), options())
        table = files_of.table(t_env, payload, *(column.name for column in hidden))
    else:
        # Flink's json and csv skip a record without a value (a tombstone), so this does too.
        table = t_env.from_descriptor(raw.descriptor()).where(col(payload).is_not_null)
        if (plan.connector, plan.format) == ("filesystem", "json"):
            # So it does with empty lines of a file, but not with an empty message of Kafka.
            table = table.where(col(payload) != lit("").cast(DataTypes.BYTES()))
    where = Raw(payload, tuple(column.name for column in hidden), source)
    return Read(table, decoder, where, _dead_letter_key(plan, keys))


def _place(
    plan: TablePlan, payload: str, options: Callable[[], dict[str, str]]
) -> "tuple[tuple[Column, ...], str | Callable[[], Expression] | None]":
    """Columns to be added that say where a record stands, and what makes its place of them.

    They are NOT NULL, as connectors have them: else Flink casts, and copies, each result.
    """
    path = tables.unused_name("modelstream_path", plan.columns)
    match plan.connector, plan.format:
        case "kafka", _:
            return places.place_in_topic(plan)
        case "filesystem", "csv":
            line = tables.unused_name("modelstream_line", plan.columns)
            columns = (Column(name=path, type="BYTES"), Column(name=line, type="BIGINT"))
            return columns, _LINE.format(path, line)
        case "filesystem", _ if (found := places.places(plan, options())) is not None:
            there = [column.name for column in plan.columns if column.metadata == "file.path"]
            added = (
                () if there else (Column(name=path, type="STRING NOT NULL", metadata="file.path"),)
            )
            known = there[0] if there else path
            return added, lambda: places.expression(found, known, payload)
        case _:
            return (), None


def key_columns(plan: TablePlan) -> tuple[str, ...]:
    """Columns that Flink reads from the record's key.

    Raises:
        JobError: the key has a prefix, or stands in the value too: not decoded here.
    """
    if _KEY_FORMAT not in plan.options:
        return ()
    if plan.options.get(_KEY_PREFIX):
        raise JobError(
            f"pipeline.source.options: {_KEY_PREFIX} is not supported with onError DeadLetter or "
            f"Drop; give the key's columns their own names"
        )
    return tuple(name for name in plan.options.get(_KEY_FIELDS, "").split(";") if name)


def _dead_letter_key(plan: TablePlan, keys: tuple[str, ...]) -> str | None:
    types = {column.name: column.type for column in plan.columns}
    return keys[0] if len(keys) == 1 and _is_bytes_like(types.get(keys[0], "")) else None


def _is_bytes_like(sql_type: str) -> bool:
    return sql_type.upper().split("(")[0].split()[0:1] in (["BYTES"], ["STRING"], ["VARCHAR"])


def _keep(pipeline: Pipeline) -> tuple[str, ...]:
    keep = pipeline.inference.keep
    columns: tuple[Column, ...] = pipeline.source.schema_
    return tuple(column.name for column in columns) if keep is None else keep


def batch_of(spec: BatchSpec) -> Batch:
    """The batches that the manifest states, whose fields are called as there."""
    return Batch(**dict(spec) | {"max_latency": quantities.duration(spec.max_latency)})


def _on_error(choice: OnError) -> failure.OnError:
    match choice:
        case OnError.DEAD_LETTER:
            return failure.DeadLetter()
        case OnError.DROP:
            return failure.Drop()
        case OnError.FAIL:
            return failure.Fail()
