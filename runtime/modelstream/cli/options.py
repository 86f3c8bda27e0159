"""What arguments of several commands are made of."""

import argparse
import json
from collections.abc import Callable

from modelstream.errors import FetchError

EXITS = """exit codes: 0 done; 1 tried and failed, or no record was scored; 2 what was given cannot
be used, nothing was started; 129 hung up; 130 interrupted by Ctrl-C; 143 terminated"""


class Help(argparse.HelpFormatter):
    """Fills what is prose, and leaves examples as they are written."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        examples, blank, prose = text.rpartition("\n\n")
        return examples + blank + super()._fill_text(prose, width, indent)


def examples(*lines: str) -> str:
    """Lines to type, as they are, and the exit codes."""
    return "\n".join(["examples:", *(f"  {line}" for line in lines), "", EXITS])


def bindings(to: argparse.ArgumentParser) -> None:
    """What says which column is which."""
    pairs(to, "--input", "TENSOR=COLUMN", "the column that feeds a tensor (of its name)")
    pairs(to, "--constant", "TENSOR=VALUE", "one value for all records, JSON or text", _constant)
    to.add_argument(
        "--columns",
        metavar="NAMES",
        type=_names,
        default=(),
        help="of CSV without a header, separated by commas",
    )


def which(to: argparse.ArgumentParser) -> None:
    """What says which of several models in one place is meant, and what it needs."""
    to.add_argument("--tags", help="of the meta graph, separated by commas (serve)")
    to.add_argument("--version", type=int, help="which version directory (the highest)")
    to.add_argument(
        "--import",
        dest="imports",
        metavar="MODULE",
        action="append",
        default=[],
        help="a module that brings layers of a Keras file that has to be loaded; repeatable",
    )


def pairs(
    to: argparse.ArgumentParser,
    flag: str,
    metavar: str,
    text: str,
    kind: Callable[[str], tuple[str, object]] | None = None,
) -> None:
    """An argument that gives a value to a name, and can be given several times."""
    to.add_argument(
        flag,
        metavar=metavar,
        action="append",
        default=[],
        type=kind or _pair_of(metavar),
        help=f"{text}; repeatable, of two for the same the last one counts",
    )


def _pair_of(metavar: str) -> Callable[[str], tuple[str, str]]:
    def pair(text: str) -> tuple[str, str]:
        key, equals, value = text.partition("=")
        if not equals or not key.strip():
            raise argparse.ArgumentTypeError(
                f"{text!r} has no '=' between a name and its value: write {metavar}"
            )
        return key.strip(), value

    return pair


def _constant(text: str) -> tuple[str, object]:
    tensor, value = _pair_of("TENSOR=VALUE")(text)
    try:
        return tensor, json.loads(value)
    except ValueError:
        return tensor, value


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def digest(text: str) -> str:
    """A digest, as argparse takes its types."""
    from modelstream.fetch.digest import checked_form

    try:
        return checked_form(text)
    except FetchError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def positive(text: str) -> int:
    """A whole number above 0, as argparse takes its types."""
    if not text.isascii() or not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
