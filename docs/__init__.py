"""The guides, and what writes the reference of the library: `python -m docs`."""

from pathlib import Path

ROOT = Path(__file__).parents[1]
