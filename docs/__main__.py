"""Writes what the code documents: the library's reference, tables of the operator's guide."""

import sys

from docs import ROOT
from docs.page import as_markdown
from docs.surface import Surface
from docs.tables import GUIDE, with_tables
from docs.terminal import PICTURE, TRANSCRIPT, as_svg

REFERENCE = ROOT / "docs" / "reference" / "python.md"

if __name__ == "__main__":
    pages = {
        REFERENCE: as_markdown(Surface.read()),
        GUIDE: with_tables(GUIDE.read_text(encoding="utf-8")),
        PICTURE: as_svg(TRANSCRIPT.read_text(encoding="utf-8")),
    }
    for path, text in pages.items():
        path.write_text(text, encoding="utf-8")
        sys.stderr.write(f"wrote {path.relative_to(ROOT)}\n")
