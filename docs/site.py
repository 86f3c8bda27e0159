"""The site of the guides: pages from all over the repository, with links that lead there.

A hook of MkDocs. A page of `docs/` stands at the root of the site; every other one, and each file
that a page links to, where it stands in the repository.
"""

import os
import re
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from docs import ROOT

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

_GUIDES = "docs"
_OUTSIDE = ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "LICENSE", "helm/*/README.md")
_EXAMPLES = "examples/*/README.md"
_LINK = re.compile(r"(?<=\]\()(?P<path>[^)#\s:]+)(?P<anchor>#[^)\s]*)?(?=\))")


def on_files(files: "Files", config: "MkDocsConfig") -> "Files":
    """Add the pages that stand outside of the guides, and what pages link to."""
    from mkdocs.structure.files import File

    pages = [path for pattern in (*_OUTSIDE, _EXAMPLES) for path in sorted(ROOT.glob(pattern))]
    sources = [*pages, *(ROOT / _GUIDES / each.src_uri for each in files.documentation_pages())]
    for path in dict.fromkeys([*pages, *(each for page in sources for each in _linked(page))]):
        uri = site_uri(path)
        if files.get_file_from_path(uri) is None:
            files.append(File.generated(config, uri, abs_src_path=str(path)))
    return files


def on_page_markdown(markdown: str, page: "Page", config: "MkDocsConfig", files: "Files") -> str:
    """The page with links as the site has them."""
    return as_on_site(markdown, in_repository(page.file.src_uri))


def as_on_site(markdown: str, path: Path) -> str:
    """A page with its links as the site has them.

    Args:
        markdown: the page.
        path: where it stands in the repository.
    """
    here = PurePosixPath(site_uri(path)).parent

    def led(link: re.Match[str]) -> str:
        target = _target(path, link["path"])
        if not target.is_file():
            return link[0]  # MkDocs tells of it
        return os.path.relpath(site_uri(target), here) + (link["anchor"] or "")

    return _LINK.sub(led, markdown)


def site_uri(path: Path) -> str:
    """Where a file of the repository stands on the site."""
    parts = path.relative_to(ROOT).parts
    if path == ROOT / "README.md":
        parts = (_GUIDES, "index.md")
    return "/".join(parts[1:] if parts[0] == _GUIDES else parts)


def in_repository(uri: str) -> Path:
    """Where a page of the site stands in the repository."""
    guide = ROOT / _GUIDES / uri
    return guide if guide.is_file() else ROOT / uri


def _linked(page: Path) -> list[Path]:
    found = (_target(page, link["path"]) for link in _LINK.finditer(page.read_text("utf-8")))
    return [target for target in found if target.is_file() and target.is_relative_to(ROOT)]


def _target(page: Path, link: str) -> Path:
    return Path(os.path.normpath(page.parent / link))
