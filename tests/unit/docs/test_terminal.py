"""The picture of a terminal shows what the tutorial types."""

import re
import xml.etree.ElementTree as ET

from docs import ROOT
from docs.terminal import PICTURE, TRANSCRIPT, as_svg


def typed(text: str) -> list[str]:
    return re.findall(r"^\$ (.+)$", text, re.MULTILINE)


def test_the_picture_is_that_of_the_transcript() -> None:
    assert PICTURE.read_text(encoding="utf-8") == as_svg(TRANSCRIPT.read_text(encoding="utf-8")), (
        "run `make reference`"
    )


def test_what_is_typed_in_it_is_typed_in_the_tutorial_too() -> None:
    tutorial = typed((ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8"))
    shown = typed(TRANSCRIPT.read_text(encoding="utf-8"))
    assert len(shown) >= 4
    assert set(shown) <= set(tutorial)


def test_each_line_appears_in_its_turn() -> None:
    picture = ET.fromstring(as_svg("$ modelstream inspect <x>\none\n" + "long " * 30))
    (style,) = (e.text or "" for e in picture.iter("{http://www.w3.org/2000/svg}style"))
    texts = [e.text for e in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert texts[0] == "$ modelstream inspect <x>"
    assert [len(text or "") for text in texts[2:]] == [100, 50]
    starts = [float(share) for share in re.findall(r"0%,([\d.]+)%{opacity:0}", style)]
    assert starts == sorted(starts)
    assert len(starts) == len(texts)
