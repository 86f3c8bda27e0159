"""``modelstream predict``: records through a model as a job takes them, without Flink."""

import argparse
import json
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np

from modelstream.cli import guess, sample, supervised
from modelstream.cli.exits import Exit, UsageError
from modelstream.cli.models import model_at_hand
from modelstream.cli.progress import ProgressLine, is_silent
from modelstream.cli.quiet import without_native_noise
from modelstream.cli.sample import Form, Record, Sample
from modelstream.convert import Constant, FlinkType, parse_type
from modelstream.convert.values import objects
from modelstream.errors import SignatureMismatchError
from modelstream.failure import DeadLetter, Failure
from modelstream.job.decode import CsvDecoder, JsonDecoder
from modelstream.job.models import read_labels
from modelstream.models import (
    DEFAULT_SIGNATURE,
    BoundMethod,
    Classify,
    ColumnType,
    Method,
    Model,
    Predict,
    Regress,
    method_for,
)
from modelstream.models.signature import find_signature
from modelstream.reasons import Reasons
from modelstream.scoring.letter import as_json
from modelstream.scoring.metrics import ModelMetrics
from modelstream.scoring.plan import Plan, check_column, refuse_two_sources
from modelstream.scoring.records import decoded
from modelstream.scoring.scorer import Outcome
from modelstream.scoring.session import Session

_BATCH = 256
_TOLD = 10
_METHODS: Mapping[str, type[Predict | Classify | Regress]] = {
    "Predict": Predict,
    "Classify": Classify,
    "Regress": Regress,
}


@dataclass(frozen=True)
class Answer:
    """What came of one record.

    Attributes:
        record: the record.
        result: its columns, as JSON has them; None where it was not scored.
        failure: why it was not.
    """

    record: Record
    result: dict[str, Any] | None
    failure: Failure | None = None


def command(arguments: argparse.Namespace) -> int:
    """Print the result of each record."""
    if arguments.own_process:
        code = supervised.parent(verbose=arguments.verbose)
        if code is not None:
            return code
        arguments.leave = supervised.leave
    return _child(arguments)


def _child(arguments: argparse.Namespace) -> Exit:
    if bool(arguments.record) == (arguments.file is not None):
        raise UsageError("give records: either --record '{…}', or a FILE (- is standard input)")
    with ExitStack() as stack:
        if not arguments.verbose:
            stack.enter_context(without_native_noise())
            stack.enter_context(warnings.catch_warnings(action="ignore"))
        model = model_at_hand(
            arguments.model,
            tags=arguments.tags,
            version=arguments.version,
            imports=arguments.imports,
        )
        found = (
            sample.given(arguments.record)
            if arguments.record
            else stack.enter_context(sample.opened(arguments.file))
        )
        method = _method(model, arguments)
        found, plan = planned(model, method, found, arguments.keep, arguments.columns)
        told = Told(one=len(arguments.record) == 1, as_json=arguments.json)
        for answer in answers(plan, islice(found, arguments.limit), ProgressLine()):
            told.add(answer)
        return told.end()


def _method(model: Model, arguments: argparse.Namespace) -> Method:
    signature = find_signature(model.signatures, _signature(model, arguments), model.name)
    constants = {tensor: Constant(value) for tensor, value in arguments.constant}
    inputs = {**dict(arguments.input), **constants} or None
    if arguments.method is None:
        meant = method_for(signature)
    else:
        meant = _METHODS[arguments.method](signature.name)
    if arguments.labels:
        if not isinstance(meant, Classify):
            raise UsageError("--labels are the classes of --method Classify")
        meant = replace(meant, labels=read_labels(model.path, arguments.labels))  # type: ignore[attr-defined]  # both kinds have a path
    if isinstance(meant, Predict | Classify | Regress):
        return replace(meant, inputs=inputs)
    return meant


def _signature(model: Model, arguments: argparse.Namespace) -> str:
    """The one that was asked for; else the default, or the only one there is."""
    if arguments.signature is not None:
        return str(arguments.signature)
    names = list(model.signatures)
    return names[0] if len(names) == 1 else DEFAULT_SIGNATURE


def planned(
    model: Model, method: Method, found: Sample, keep: Sequence[str], named: Sequence[str]
) -> tuple[Sample, Plan]:
    """How the records of a sample are scored.

    Args:
        model: which one.
        method: how it is called.
        found: the records; a header over CSV is recognised here.
        keep: columns that go on beside the model's.
        named: the columns of CSV that has no header.

    Returns:
        The sample without its header, and the plan.

    Raises:
        SignatureMismatchError: the columns do not fit the signature.
        UsageError: the columns of CSV have no names.
    """
    bound = method.bind(model)
    refuse_two_sources(keep, [column.name for column in bound.output_columns], model.name)
    is_csv = found.form is Form.CSV
    if is_csv and not named:
        found = sample.with_header(found, [*bound.inputs, *keep])
    columns = found.columns(sample.csv_names(found, named, list(bound.inputs)))
    values = columns or {name: [] for name in (*bound.inputs, *keep)}
    types = {
        n: guess.column_type(bound.inputs.get(n), each, text=is_csv) for n, each in values.items()
    }
    _check(bound, keep, types)
    wanted = list(types) if is_csv else list(dict.fromkeys([*bound.inputs, *keep]))
    fields = tuple(ColumnType(name, types[name]) for name in wanted)
    decoder = CsvDecoder(fields, found.dialect) if is_csv else JsonDecoder(fields)
    letters = DeadLetter()
    return found, Plan(model, bound, tuple(keep), on_error=letters, warm_up=False, decoder=decoder)


def _check(bound: BoundMethod, keep: Sequence[str], types: Mapping[str, str]) -> None:
    for name in keep:
        check_column("--keep names", name, types)
    try:
        bound.check(types)
    except SignatureMismatchError as error:
        if all(name in types for name in bound.inputs):
            raise
        raise SignatureMismatchError(
            f"{error}\nsay which column feeds a tensor: --input TENSOR=COLUMN; or give it one "
            f"value for all records: --constant TENSOR=VALUE"
        ) from None


def answers(plan: Plan, records: Iterable[Record], line: ProgressLine) -> Iterator[Answer]:
    """What comes of each record, in their order."""
    line.update(f"loading {plan.model.name}")
    try:
        session = Session.of(plan, ModelMetrics(None, plan.model.name))
    finally:
        line.finish()
    remaining = iter(records)
    with closing(session):
        scorer = session.scorer(plan.bound)
        while some := list(islice(remaining, _BATCH)):
            payloads = objects([record.payload for record in some])
            assert plan.decoder is not None
            batch = decoded(plan.decoder, plan.decoded, payloads)
            outcome = session.score(scorer, batch, plan.on_error)
            yield from _of_batch(plan, some, batch.kept, outcome)


def _of_batch(
    plan: Plan, records: Sequence[Record], kept: Mapping[str, Any], outcome: Outcome
) -> Iterator[Answer]:
    assert plan.decoder is not None
    types = {each.name: parse_type(each.type) for each in plan.decoder.columns}
    types |= {each.name: parse_type(each.type) for each in plan.bound.output_columns}
    columns = {**kept, **outcome.columns}
    for at, record in enumerate(records):
        if failure := outcome.failures.get(at):
            yield Answer(record, None, failure)
        else:
            row = {name: _plain(values[at], types[name]) for name, values in columns.items()}
            yield Answer(record, as_json(row))


def _plain(value: Any, kind: FlinkType) -> Any:
    """A value in Python's own types, a FLOAT with the digits that a FLOAT has."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    match value:
        case list():
            return [_plain(each, kind.children[0]) for each in value]
        case dict() if kind.name == "MAP":
            return {key: _plain(each, kind.children[1]) for key, each in value.items()}
        case float() if kind.name == "FLOAT":
            return float(str(np.float32(value)))
        case _:
            return value


class Told:
    """Prints each answer, and at the end what came of all.

    Args:
        one: there is one record: nothing is summed up.
        as_json: a JSON object for every record, the failed ones too.
    """

    def __init__(self, *, one: bool, as_json: bool) -> None:
        self._one = one
        self._as_json = as_json
        self._read = self._failed = 0
        self._reasons = Reasons()

    def add(self, answer: Answer) -> None:
        """One more."""
        self._read += 1
        if answer.failure is not None:
            self._failed += 1
            self._reasons.add(str(answer.failure), lambda: answer.record.place)
        if self._as_json:
            print(_line(_described(answer)))
        elif answer.failure is None:
            print(_line(answer.result))
        elif self._failed <= _TOLD:
            place = f"{answer.record.place}: " if answer.record.place else ""
            print(f"modelstream: {place}{answer.failure}", file=sys.stderr)

    def end(self) -> Exit:
        """The exit code: 1 where there were records and none was scored."""
        if not self._one and not is_silent():
            failed = f", {self._failed:,} not scored:" if self._failed else ""
            said = f"{self._read:,} read, {self._read - self._failed:,} scored{failed}"
            print(said, *(f"  {each}" for each in self._reasons.lines()), sep="\n", file=sys.stderr)
        return Exit.FAILED if self._read and self._failed == self._read else Exit.DONE


def _described(answer: Answer) -> dict[str, Any]:
    source = {"source": answer.record.place} if answer.record.place else {}
    if (failure := answer.failure) is None:
        return {**source, "result": answer.result}
    said = {"stage": failure.stage, "error_type": failure.error_type, "message": failure.message}
    return {**source, "error": said}


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
