"""The pages at the root say what is so."""

import re
from importlib.metadata import version
from typing import Any

import pytest
import yaml
from docs import ROOT
from docs.page import anchor

from modelstream.cli.pages import KINDS, PAGE, WORDS, page_for
from modelstream.errors import JobError, ModelNotFoundError, ModelStreamError

PAGES = ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md")


def test_the_newest_changes_are_those_of_this_version() -> None:
    newest = re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest is not None
    assert newest[1] == version("modelstream")


@pytest.mark.parametrize("page", [*PAGES, *(f"docs/{p.name}" for p in ROOT.glob("docs/*.md"))])
def test_what_a_page_links_to_is_there(page: str) -> None:
    text = (ROOT / page).read_text()
    for target in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text):
        if "://" not in target:
            assert ((ROOT / page).parent / target).exists(), target


def test_contributors_are_told_of_targets_that_there_are() -> None:
    makefiles = "".join(path.read_text() for path in (ROOT / "Makefile", *ROOT.glob("*.mk")))
    for target in re.findall(r"`make (\w+)`", (ROOT / "CONTRIBUTING.md").read_text()):
        assert re.search(rf"^{target}:", makefiles, re.MULTILINE), target


def test_the_workflow_passes_what_a_change_must_pass() -> None:
    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yaml").read_text())["jobs"]
    targets = {each for job in jobs.values() for each in _targets(job)}
    asked = {*re.findall(r"^make (\S+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)}
    assert asked <= targets
    makefiles = "".join(path.read_text() for path in (ROOT / "Makefile", *ROOT.glob("*.mk")))
    for target in targets:
        assert re.search(rf"^{target}:", makefiles, re.MULTILINE), target
    attested = [step for step in jobs["build"]["steps"] if "attest" in step.get("uses", "")]
    assert len(attested) == 3  # dist/, and two images


def _targets(job: Any) -> list[str]:
    found = [target for step in job["steps"] for target in _MAKE.findall(step.get("run", ""))]
    return [*found, *job.get("strategy", {}).get("matrix", {}).get("target", [])]


_MAKE = re.compile(r"make ([a-z][\w-]*)")


@pytest.mark.parametrize("entry", sorted({entry for _, entry in (*KINDS, *WORDS)}))
def test_what_an_error_links_to_is_an_entry_of_the_page(entry: str) -> None:
    page = (ROOT / "docs" / "troubleshooting.md").read_text()
    assert entry in {anchor(title) for title in re.findall(r"^## (.+)$", page, re.MULTILINE)}


@pytest.mark.parametrize(
    ("error", "entry"),
    [
        (ModelNotFoundError("none"), "a-model-cannot-be-read"),
        (JobError("Timed out waiting for a node assignment. Call: x"), "kafka-does-not-answer"),
        (JobError("disk full"), None),
        (ModelStreamError("checkpoint"), None),
    ],
)
def test_an_error_links_to_its_entry(error: Exception, entry: str | None) -> None:
    assert page_for(error) == (entry and f"{PAGE}#{entry}")
