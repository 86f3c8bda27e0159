"""Writes the reference of the library from its docstrings."""

import sys

from docs import ROOT
from docs.page import as_markdown
from docs.surface import Surface

REFERENCE = ROOT / "docs" / "reference" / "python.md"

if __name__ == "__main__":
    REFERENCE.write_text(as_markdown(Surface.read()), encoding="utf-8")
    sys.stderr.write(f"wrote {REFERENCE.relative_to(ROOT)}\n")
