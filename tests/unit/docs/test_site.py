"""The site of the guides is whole, and its links lead where those of the repository lead."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from docs import ROOT
from docs.site import as_on_site, in_repository, site_uri


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", directory],
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONWARNINGS": ""},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return directory


def test_every_page_and_every_example_is_on_it(site: Path) -> None:
    pages = {path.parent.relative_to(site).as_posix() for path in site.rglob("index.html")}
    guides = {path.stem for path in ROOT.glob("docs/*.md")} - {"index"}
    examples = {f"examples/{path.parent.name}" for path in ROOT.glob("examples/*/README.md")}
    assert guides | examples | {".", "helm/modelstream", "CHANGELOG"} <= pages


def test_a_program_that_a_page_links_to_is_on_it(site: Path) -> None:
    page = (site / "examples" / "half-plus-two" / "index.html").read_text()
    assert re.search(r'href="(\./)?demo\.py"', page)
    shown = site / "examples" / "half-plus-two" / "demo.py"
    assert shown.read_bytes() == (ROOT / "examples" / "half-plus-two" / "demo.py").read_bytes()


def test_nothing_is_asked_of_other_hosts(site: Path) -> None:
    page = (site / "index.html").read_text()
    assert re.findall(r'(?:src|rel="stylesheet" href)="https?://[^"]+"', page) == []


@pytest.mark.parametrize(
    ("page", "link", "led"),
    [
        pytest.param("docs/kafka.md", "errors.md#dead-letters", None, id="a guide"),
        pytest.param("docs/kafka.md", "../README.md", "index.md", id="the page of the project"),
        pytest.param("docs/reference/python.md", "../errors.md", None, id="up"),
        pytest.param(
            "docs/tensors.md", "../examples/johnny/README.md", "examples/johnny/README.md", id="out"
        ),
        pytest.param(
            "examples/johnny/README.md", "../../docs/online.md", "../../online.md", id="in"
        ),
        pytest.param("docs/kafka.md", "https://flink.apache.org", None, id="another host"),
    ],
)
def test_a_link_leads_to_the_same_page(page: str, link: str, led: str | None) -> None:
    assert as_on_site(f"[x]({link})", ROOT / page) == f"[x]({led or link})"


@pytest.mark.parametrize("path", ["docs/kafka.md", "examples/johnny/README.md", "CHANGELOG.md"])
def test_a_page_of_the_site_is_found_in_the_repository(path: str) -> None:
    assert in_repository(site_uri(ROOT / path)) == ROOT / path
