"""A recording of a terminal as an SVG that plays: what is typed, then what is answered."""

from html import escape

from docs import ROOT

TRANSCRIPT = ROOT / "docs" / "pictures" / "terminal.txt"
PICTURE = TRANSCRIPT.with_suffix(".svg")

_WIDTH = 100
_LINE = 19
_LETTER = 8.43
_MARGIN = 18
_TYPED_SECONDS = 1.6
_ANSWERED_SECONDS = 0.25
_REST_SECONDS = 6.0
_STYLE = (
    "text{font:14px ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;fill:#d5d9e0;"
    "white-space:pre}.typed{fill:#7fd4c1}"
    "@media(prefers-reduced-motion:reduce){text{animation:none!important}}"
)


def as_svg(transcript: str) -> str:
    """The picture of a transcript; lines that begin with ``$`` were typed.

    Each line appears when it is its turn. Where nothing moves, all of them are there.
    """
    lines = [part for line in transcript.splitlines() for part in _folded(line)]
    height = _LINE * len(lines) + 2 * _MARGIN
    width = round(_LETTER * _WIDTH) + 2 * _MARGIN
    moments = list(_moments(lines))
    whole = moments[-1] + _REST_SECONDS
    frames, texts = [], []
    for number, (line, moment) in enumerate(zip(lines, moments, strict=True)):
        share = 100 * moment / whole
        hidden, shown = f"0%,{share:.2f}%", f"{share + 0.1:.2f}%,100%"
        frames.append(f"@keyframes l{number}{{{hidden}{{opacity:0}}{shown}{{opacity:1}}}}")
        kind = ' class="typed"' if line.startswith("$ ") else ""
        y = _MARGIN + _LINE * (number + 0.75)
        style = f"animation:l{number} {whole:.1f}s infinite"
        texts.append(f'<text x="{_MARGIN}" y="{y:.1f}"{kind} style="{style}">{escape(line)}</text>')
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
    title = "<title>modelstream in a terminal: inspect, predict, init, run</title>"
    ground = f'<rect width="{width}" height="{height}" rx="10" fill="#1b1f27"/>'
    style = f"<style>{_STYLE}{''.join(frames)}</style>"
    return "\n".join([head, title, style, ground, *texts, "</svg>"]) + "\n"


def _folded(line: str) -> list[str]:
    """A line as a terminal breaks it."""
    return [line[at : at + _WIDTH] for at in range(0, len(line), _WIDTH)] or [""]


def _moments(lines: list[str]) -> list[float]:
    """When each line appears."""
    found, now = [], 0.0
    for line in lines:
        now += _TYPED_SECONDS if line.startswith("$ ") else _ANSWERED_SECONDS
        found.append(now)
    return found
