"""Pictures of shapes: drawn with numpy, in any size and colour, with noise."""

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

Field = npt.NDArray[np.float64]
Picture = npt.NDArray[np.uint8]


def polygon(corners: int) -> Callable[[Field, Field], Field]:
    """How far inside a regular polygon each point lies: positive inside, 0 on the edge."""
    step = 2 * np.pi / corners

    def inside(x: Field, y: Field) -> Field:
        angle = np.mod(np.arctan2(x, -y) + step / 2, step) - step / 2
        return np.asarray(np.cos(step / 2) - np.hypot(x, y) * np.cos(angle))

    return inside


def star(x: Field, y: Field) -> Field:
    """Five points, pointed by a radius that falls from each point to the notch beside it."""
    step = 2 * np.pi / 5
    way = np.abs(np.mod(np.arctan2(x, -y) + step / 2, step) - step / 2) / (step / 2)
    return np.asarray(1.0 - 0.6 * way - np.hypot(x, y))


def cross(x: Field, y: Field) -> Field:
    """Two bars."""
    wide, narrow = np.maximum(np.abs(x), np.abs(y)), np.minimum(np.abs(x), np.abs(y))
    return np.minimum(0.95 - wide, 0.3 - narrow)


SHAPES: dict[str, Callable[[Field, Field], Field]] = {
    "circle": lambda x, y: 0.9 - np.hypot(x, y),
    "cross": cross,
    "ring": lambda x, y: 0.22 - np.abs(np.hypot(x, y) - 0.7),
    "square": polygon(4),
    "star": star,
    "triangle": polygon(3),
}
"""Label → how far inside the shape a point of the square from -1 to 1 lies."""


def draw(label: str, height: int, width: int, random: np.random.Generator) -> Picture:
    """One shape somewhere in a picture, turned and coloured by chance: uint8[height, width, 3]."""
    radius = min(height, width) / 2 * random.uniform(0.6, 0.85)
    turn = random.uniform(-0.35, 0.35)
    centre = np.array([height, width]) / 2 * random.uniform(0.9, 1.1, 2)
    y, x = (np.indices((height, width)) - centre[:, None, None]) / radius
    x, y = x * np.cos(turn) - y * np.sin(turn), x * np.sin(turn) + y * np.cos(turn)
    cover = np.clip(SHAPES[label](x, y) * radius + 0.5, 0, 1)[..., None]
    paper, ink = _colours(random)
    shade = 1 + 0.15 * random.uniform(-1, 1) * x[..., None]
    pixels = (paper * (1 - cover) + ink * cover) * shade + random.normal(0, 6, (height, width, 1))
    return np.clip(pixels, 0, 255).astype(np.uint8)


def _colours(random: np.random.Generator) -> Any:
    """Two colours that can be told apart."""
    while True:
        paper, ink = random.uniform(20, 235, (2, 3))
        if np.abs(paper.mean() - ink.mean()) > 60:
            return paper, ink
