"""The outline of a job as a picture: source, model and sinks, what goes from one to the next."""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from modelstream.cli.layout import title_of
from modelstream.job.calls import Call
from modelstream.job.outline import Called, End, Outline

_WIDTH = 760
_LINE = 18
_MARGIN = 16
_GAP = 44
_STYLE = (
    "text{font:13px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#1b1f27}"
    ".title{font-weight:bold}.arrow{fill:#4a5160}rect{fill:#f4f6f8;stroke:#9aa3b2}"
    ".model rect{fill:#dff3ee;stroke:#3d9c86}path{stroke:#4a5160;fill:none}"
)


@dataclass(frozen=True)
class _Box:
    """One station of the records.

    Attributes:
        title: what it is.
        lines: what is to be said of it.
        kind: how it is drawn.
        gives: what goes on to the next one.
    """

    title: str
    lines: Sequence[str]
    kind: str = "table"
    gives: str = ""

    @property
    def height(self) -> int:
        """In pixels."""
        return _LINE * (len(self.lines) + 1) + _MARGIN


def svg(outline: Outline, calls: Sequence[Call]) -> str:
    """All of it, from top to bottom."""
    boxes = [*map(_of_end, outline.ends[:1]), *(_of_model(each, calls) for each in outline.models)]
    boxes += map(_of_end, outline.ends[1:])
    legs = {leg.name: leg.guarantee for leg in outline.guarantees}
    shown, top = [], _MARGIN + _LINE
    for number, box in enumerate(boxes):
        shown.append(_drawn(box, top))
        top += box.height
        if number < len(boxes) - 1:
            shown.append(_arrow(top, box.gives))
            top += _GAP
    for name, guarantee in legs.items():
        top += _LINE
        shown.append(_text(f"{name}: {guarantee}", _MARGIN, top + 4, "arrow"))
    height = top + _MARGIN
    title = f"{outline.name}: {outline.kind}, {outline.mode}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
            f"<title>{escape(title)}</title>",
            f"<style>{_STYLE}</style>",
            f'<rect width="{_WIDTH}" height="{height}" style="fill:#fff;stroke:none"/>',
            _text(title, _MARGIN, _MARGIN + 4, "title"),
            *shown,
            "</svg>",
        ]
    )


def _of_end(end: End) -> _Box:
    columns = [f"{column.name}  {column.type}" for column in end.columns]
    gives = ", ".join(column.name for column in end.columns) if end.field == "source" else ""
    return _Box(title_of(end), columns, gives=gives)


def _of_model(called: Called, calls: Sequence[Call]) -> _Box:
    fed = [
        f"{_given(each.column, each.type, each.constant)}  →  {each.tensor}  {each.takes}"
        for each in called.feeds
        if called.method
    ]
    fed += [f"line {call.line}: {call}" for call in calls if call.function == called.model]
    gives = [f"{', '.join(each.tensors)}  →  {each.column}  {each.type}" for each in called.gives]
    how = ", ".join(part for part in (called.signature, called.method) if part)
    more = [f"batches of {called.batch}"] if called.batch else []
    after = ", ".join((*called.kept, *(each.column for each in called.gives)))
    return _Box(f"model  {called.model} ({how})", [*fed, *gives, *more], "model", after)


def _given(column: str | None, kind: str | None, constant: object) -> str:
    return f"the constant {constant!r}" if column is None else f"{column}  {kind}"


def _drawn(box: _Box, top: int) -> str:
    width = _WIDTH - 2 * _MARGIN
    x, y = _MARGIN * 2, top + _LINE
    lines = [_text(line, x, y + _LINE * (n + 1), "") for n, line in enumerate(box.lines)]
    frame = f'<rect x="{_MARGIN}" y="{top}" width="{width}" height="{box.height}" rx="6"/>'
    body = "\n".join([frame, _text(box.title, x, y, "title"), *lines])
    return f'<g class="{box.kind}">\n{body}\n</g>'


def _arrow(top: int, said: str) -> str:
    x, end = 4 * _MARGIN, top + _GAP - 4
    head = f"M{x} {top} V{end} M{x - 5} {end - 7} L{x} {end} L{x + 5} {end - 7}"
    return f'<path d="{head}"/>\n' + _text(said, x + 12, top + _GAP // 2 + 4, "arrow")


def _text(said: str, x: int, y: int, kind: str) -> str:
    return f'<text x="{x}" y="{y}" class="{kind}">{escape(said)}</text>'
