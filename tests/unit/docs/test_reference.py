"""The reference of the library: complete, up to date, and every link leads somewhere."""

import re
from pathlib import Path

import griffe
import pytest
from docs.__main__ import REFERENCE
from docs.page import anchor, as_markdown
from docs.surface import ROOMS, Surface, exported, meanings, said

import modelstream

ROOT = Path(__file__).parents[3]
MODULES = [s for room in ROOMS for s in room.sources if re.fullmatch(r"\w+", s)]


@pytest.fixture(scope="module")
def surface() -> Surface:
    return Surface.read()


def test_what_is_committed_is_what_the_docstrings_say(surface: Surface) -> None:
    assert REFERENCE.read_text(encoding="utf-8") == as_markdown(surface), "run `make reference`"


def test_every_name_of_the_library_is_there(surface: Surface) -> None:
    names = {f"ms.{name}" for name in modelstream.__all__} - {"ms.errors"}
    assert names <= surface.names.keys()


@pytest.mark.parametrize("module", MODULES)
def test_everything_that_a_module_exports_is_there(surface: Surface, module: str) -> None:
    found = [each.path for _, each in exported(surface.library[module])]
    assert found
    assert set(found) <= surface.paths


def test_every_public_name_and_member_says_what_it_is(surface: Surface) -> None:
    missing = [
        f"{name}: {part}"
        for name, found in surface.names.items()
        for part in silent(found, surface)
    ]
    assert missing == []


def silent(found: griffe.Object, surface: Surface) -> list[str]:
    """What has no docstring: the name itself, its methods, its attributes and fields."""
    known = meanings(found)
    fields = surface.parameters(found) if "dataclass" in found.labels else []
    return [
        *(each.name for each in (found, *surface.methods(found)) if not said(each)),
        *(
            each.name
            for each in surface.attributes(found)
            if not (said(each) or each.name in known)
        ),
        *(each.name for each in fields if each.name not in known),
    ]


def test_no_docstring_tells_of_what_the_signature_does_not_have(
    caplog: pytest.LogCaptureFixture,
) -> None:
    as_markdown(Surface.read())
    assert caplog.messages == []


def test_every_link_leads_to_one_heading() -> None:
    page = REFERENCE.read_text(encoding="utf-8")
    headings = [anchor(heading) for heading in re.findall(r"^#+ (.+)$", page, re.MULTILINE)]
    assert len(set(headings)) == len(headings)
    assert set(re.findall(r"\]\(#([^)]+)\)", page)) <= set(headings)
    linked = [
        target
        for guide in ROOT.glob("docs/*.md")
        for target in re.findall(r"\]\(reference/python\.md#([^)]+)\)", guide.read_text())
    ]
    assert linked
    assert set(linked) <= set(headings)


def test_each_room_names_a_guide_that_links_back() -> None:
    for room in ROOMS:
        assert (
            f"](reference/python.md#{anchor(room.title)})"
            in (ROOT / "docs" / room.guide).read_text()
        )


def test_there_is_no_code_that_nothing_runs() -> None:
    assert "```" not in REFERENCE.read_text(encoding="utf-8")


def test_what_a_parameter_means_makes_sense_in_a_tool_tip() -> None:
    """``name: of the function.`` tells nothing where the name stands apart."""
    found = [
        f"{path.relative_to(ROOT)}: {line.strip()}"
        for path in (ROOT / "runtime" / "modelstream").rglob("*.py")
        for line in re.findall(r"^ {4,}\w+: of [^\n]*$", path.read_text(), re.MULTILINE)
    ]
    assert found == []
