"""``modelstream completion``: what a shell needs to finish the words of the command."""

import argparse
from collections.abc import Iterator, Mapping

from modelstream.cli.exits import Exit

_BASH = """\
_modelstream() {{
  local word="${{COMP_WORDS[COMP_CWORD]}}" words
  case "${{COMP_WORDS[1]}}" in
{cases}
    *) words="{commands}" ;;
  esac
  if [[ $COMP_CWORD -eq 1 ]]; then words="{commands}"; fi
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  if [[ $COMP_CWORD -gt 1 && "$word" != -* ]]; then COMPREPLY+=($(compgen -f -- "$word")); fi
}}
complete -o filenames -F _modelstream modelstream
"""
_ZSH = "autoload -U +X bashcompinit && bashcompinit\n"
SHELLS = ("bash", "zsh", "fish")


def command(arguments: argparse.Namespace) -> Exit:
    """Print the script of a shell."""
    from modelstream.cli.arguments import parser

    print(script(arguments.shell, parser()), end="")
    return Exit.DONE


def script(shell: str, parser: argparse.ArgumentParser) -> str:
    """The script for a shell, of the commands and options of a parser."""
    commands = _commands(parser)
    if shell == "fish":
        return "\n".join(_fish(commands)) + "\n"
    cases = "\n".join(
        f'    {name}) words="{" ".join(_options(each))}" ;;' for name, each in commands.items()
    )
    bash = _BASH.format(cases=cases, commands=" ".join([*commands, *_options(parser)]))
    return f"{_ZSH}{bash}" if shell == "zsh" else bash


def _fish(commands: Mapping[str, argparse.ArgumentParser]) -> Iterator[str]:
    first = "-n __fish_use_subcommand"
    for name, each in commands.items():
        yield f"complete -c modelstream {first} -f -a {name}"
        for option in _options(each):
            flag = f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"
            yield f"complete -c modelstream -n '__fish_seen_subcommand_from {name}' {flag}"


def _commands(parser: argparse.ArgumentParser) -> Mapping[str, argparse.ArgumentParser]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _options(parser: argparse.ArgumentParser) -> list[str]:
    return [option for action in parser._actions for option in action.option_strings]
