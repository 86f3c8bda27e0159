"""The outline of a job as text: from top to bottom as records go, the tensors between."""

from collections.abc import Iterator, Sequence

from modelstream.cli.table import aligned
from modelstream.convert import ColumnType
from modelstream.job.calls import Call
from modelstream.job.outline import Called, End, Outline

_ENDS = {"source": "source", "sink": "sink", "deadLetter": "dead letters"}
_SHOWN = ("topic", "path")
"""Options that say where a table is."""


def text(outline: Outline, calls: Sequence[Call], *, offline: bool) -> str:
    """All of it.

    Args:
        outline: what the job comes to.
        calls: the calls of models in SQL, with what feeds them.
        offline: Flink was not asked.
    """
    parts = [
        [f"{outline.name}: {outline.kind}, {outline.mode}"],
        *_flow(outline, calls),
        [
            "guarantees",
            *_columns(
                [(_ENDS.get(leg.name, leg.name), leg.guarantee) for leg in outline.guarantees]
            ),
        ],
        ["options of Flink", *_columns([(key, value) for key, value in outline.options.items()])],
        ["jars", *(f"  {jar}" for jar in outline.jars)] if outline.jars else [],
        [_last(outline, offline=offline)],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _flow(outline: Outline, calls: Sequence[Call]) -> Iterator[list[str]]:
    for end in outline.ends[:1]:
        yield _end(end)
    for called in outline.models:
        yield [*_model(called)]
    for end in outline.ends[1:]:
        yield _end(end)
    if calls:
        said = [(f"line {call.line}", str(call)) for call in calls]
        yield ["calls", *_columns(said)]


def title_of(end: End) -> str:
    """What a table is called: its part in the job, what it is, and where."""
    kind = " ".join(part for part in (end.connector, end.format) if part)
    where = next((end.options[key] for key in _SHOWN if key in end.options), "")
    return f"{_ENDS[end.field]}  {kind} {where}".rstrip()


def _end(end: End) -> list[str]:
    more = [(key, value) for key, value in end.options.items() if key not in _SHOWN]
    return [title_of(end), *_fields(end.columns), *(f"  {key}: {value}" for key, value in more)]


def _fields(columns: Sequence[ColumnType]) -> list[str]:
    return _columns([(column.name, column.type) for column in columns])


def _model(called: Called) -> Iterator[str]:
    how = ", ".join(part for part in (called.signature, called.method) if part)
    yield f"model  {called.model} ({how}) at {called.place}"
    fed = [
        (_given(each.column, each.type, each.constant), "→", f"{each.tensor} {each.takes}")
        for each in called.feeds
        if called.method
    ]
    fed = fed or [("", "→", f"{each.tensor} {each.takes}") for each in called.feeds]
    gives = [(", ".join(each.tensors), "→", f"{each.column} {each.type}") for each in called.gives]
    yield from _columns([*fed, *gives])
    if called.batch:
        yield f"  batches of {called.batch}"
    if called.on_error:
        yield f"  a record that cannot be scored: onError {called.on_error}"


def _given(column: str | None, kind: str | None, constant: object) -> str:
    return f"the constant {constant!r}" if column is None else f"{column} {kind}"


def _last(outline: Outline, *, offline: bool) -> str:
    if offline:
        return "Flink was not asked (--offline), and nothing was started."
    return "Flink can run this; nothing was started."


def _columns(rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return []
    return [f"  {line}" for line in aligned(rows[0], rows[1:]).splitlines()]
