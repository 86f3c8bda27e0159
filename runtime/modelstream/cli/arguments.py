"""What can be typed behind ``modelstream``."""

import argparse
import re
from typing import NoReturn

from modelstream import __version__
from modelstream.cli.commands import Commands
from modelstream.cli.jobcommands import completion, dead_letters, init, plan, run, validate
from modelstream.cli.modelcommands import fetch, inspect, predict, verify
from modelstream.cli.options import Help, examples
from modelstream.messages import suggestion

_COMMANDS = (init, run, plan, predict, validate, dead_letters, inspect, fetch, verify, completion)


def parser() -> argparse.ArgumentParser:
    """The parser of the command line; ``command`` of what it parses is the function to call."""
    root = _Parser(
        prog="modelstream",
        description="Machine-learning models as functions over streams.",
        epilog=examples(
            "modelstream inspect fraud.keras",
            """modelstream predict fraud.keras --record '{"age": 41, "amount": 12.5}'""",
            "modelstream init fraud.keras --data payments.jsonl",
            "modelstream run fraud.yaml",
        ),
        formatter_class=Help,
    )
    version = f"modelstream {__version__}"
    root.add_argument("--version", action="version", version=version)
    root.set_defaults(command=None, quiet=False)
    commands: Commands = root.add_subparsers(title="commands", metavar="COMMAND")  # type: ignore[assignment]  # invariant
    for add in _COMMANDS:
        command = add(commands)
        command.add_argument(
            "-v", "--verbose", action="store_true", help="show logs and stack traces"
        )
        command.add_argument(
            "-q", "--quiet", action="store_true", help="show results and errors only"
        )
    return root


class _Parser(argparse.ArgumentParser):
    """Says what was probably meant."""

    def error(self, message: str) -> NoReturn:
        """End with the message, and with the word that is nearest to the wrong one."""
        if found := re.search(r"COMMAND: invalid choice: '(.+?)' ", message):
            names = [name for name in self._words() if not name.startswith("-")]
            message = f"there is no command {found[1]!r}{suggestion(found[1], names)}"
            message += f"; there are {', '.join(names)}"
        elif found := re.search(r"unrecognized arguments: (--[^\s=]+)", message):
            message += suggestion(found[1], [n for n in self._words() if n.startswith("-")])
        super().error(message)

    def _words(self) -> list[str]:
        """The commands, and the options of each."""
        words: list[str] = []
        for action in self._actions:
            words += action.option_strings
            if isinstance(action, argparse._SubParsersAction):
                for name, command in action.choices.items():
                    words += [name, *command._option_string_actions]
        return words
