"""A command of the command line: its place among the others, and its module."""

import argparse
from collections.abc import Callable
from importlib import import_module
from typing import TypeAlias

from modelstream.cli.exits import Exit
from modelstream.cli.progress import ProgressLine

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def lazy(module: str, sign: str = "") -> Callable[[argparse.Namespace], Exit]:
    """A command of a module that is imported only when the command is called.

    Args:
        module: where the command is.
        sign: what a terminal shows meanwhile; names arguments in braces.
    """

    def command(arguments: argparse.Namespace) -> Exit:
        line = ProgressLine()
        if sign:
            line.update(sign.format(**vars(arguments)))
        found = import_module(f"modelstream.cli.{module}").command
        line.finish()
        result: Exit = found(arguments)
        return result

    return command
