"""Colours of a terminal, where there is one that shows them and nobody has said NO_COLOR."""

import os
from collections.abc import Mapping
from enum import Enum
from typing import TextIO


class Colour(Enum):
    """What a word is shown in, as terminals are told."""

    GOOD = "32"
    WRONG = "1;31"
    NOTE = "33"


def painted(
    text: str, colour: Colour, stream: TextIO, environment: Mapping[str, str] | None = None
) -> str:
    """The text in a colour; as it is where the stream is not a terminal with colours."""
    environment = os.environ if environment is None else environment
    plain = environment.get("NO_COLOR") or environment.get("TERM") == "dumb"
    if plain or not stream.isatty():
        return text
    return f"\033[{colour.value}m{text}\033[0m"
