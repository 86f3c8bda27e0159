"""Pictures in rows with captions, as one SVG that any browser shows."""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

_TILE = 112
_GAP = 14
_CAPTION = 18
_TITLE = 150
_STYLE = "text{font:12px system-ui,sans-serif;fill:#222}.row{font-weight:bold;font-size:14px}"


@dataclass(frozen=True)
class Shown:
    """A picture of a sheet.

    Attributes:
        pixels: of it, from 0 to 255; None where there is nothing to see.
        caption: below it.
        colour: of its frame.
    """

    pixels: npt.NDArray[Any] | None
    caption: str
    colour: str = "#b8bec9"


def write(
    file: Path,
    title: str,
    rows: Sequence[tuple[str, Sequence[Shown]]],
    png: Callable[[npt.NDArray[Any]], bytes],
) -> None:
    """Write a sheet.

    Args:
        file: where to.
        title: above all.
        rows: each with its heading.
        png: encodes a picture.
    """
    parts, top = [f'<text class="row" x="{_GAP}" y="26">{escape(title)}</text>'], 40
    for heading, pictures in rows:
        middle = top + _TILE // 2
        parts.append(f'<text class="row" x="{_GAP}" y="{middle}">{escape(heading)}</text>')
        for number, each in enumerate(pictures):
            parts += _picture(each, _TITLE + number * (_TILE + _GAP), top, png)
        top += _TILE + _CAPTION + _GAP
    widest = max(len(pictures) for _, pictures in rows)
    width = _TITLE + widest * (_TILE + _GAP)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {top}" role="img">'
    ground = f'<rect width="{width}" height="{top}" fill="#fff"/>'
    text = "\n".join([head, f"<style>{_STYLE}</style>", ground, *parts, "</svg>"])
    file.write_text(f"{text}\n", encoding="utf-8")


def _picture(
    shown: Shown, left: int, top: int, png: Callable[[npt.NDArray[Any]], bytes]
) -> list[str]:
    box = f'x="{left}" y="{top}" width="{_TILE}" height="{_TILE}"'
    parts = []
    if shown.pixels is not None:
        data = base64.b64encode(png(shown.pixels.round().astype(np.uint8))).decode()
        parts.append(f'<image {box} href="data:image/png;base64,{data}"/>')
    parts.append(f'<rect {box} fill="none" stroke="{shown.colour}" stroke-width="3"/>')
    caption = f'<text x="{left}" y="{top + _TILE + 14}">{escape(shown.caption)}</text>'
    return [*parts, caption]
