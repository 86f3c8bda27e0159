"""What can be typed behind ``modelstream``."""

import argparse
import json
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import NoReturn, TypeAlias

from modelstream import __version__
from modelstream.cli.exits import Exit
from modelstream.cli.progress import ProgressLine
from modelstream.errors import FetchError
from modelstream.messages import suggestion

_EXITS = """exit codes: 0 done; 1 tried and failed, or no record was scored; 2 what was given cannot
be used, nothing was started; 129 hung up; 130 interrupted by Ctrl-C; 143 terminated"""


def parser() -> argparse.ArgumentParser:
    """The parser of the command line; ``command`` of what it parses is the function to call."""
    root = _Parser(
        prog="modelstream",
        description="Machine-learning models as functions over streams.",
        epilog=_examples(
            "modelstream inspect fraud.keras",
            """modelstream predict fraud.keras --record '{"age": 41, "amount": 12.5}'""",
            "modelstream init fraud.keras --data payments.jsonl",
            "modelstream run fraud.yaml",
        ),
        formatter_class=_Help,
    )
    version = f"modelstream {__version__}"
    root.add_argument("--version", action="version", version=version)
    root.set_defaults(command=None, quiet=False)
    commands: Commands = root.add_subparsers(title="commands", metavar="COMMAND")  # type: ignore[assignment]  # invariant
    for add in (_init, _run, _predict, _validate, _inspect, _fetch, _verify):
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


def _lazy(module: str, sign: str = "") -> Callable[[argparse.Namespace], Exit]:
    """A command of a module that is imported only when the command is called.

    Args:
        module: of the command.
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


Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def _init(commands: Commands) -> argparse.ArgumentParser:
    init = commands.add_parser(
        "init",
        help="write a manifest for a model and some data",
        description="Write a manifest that runs: the model's tensors bound to columns that are "
        "found in the data, with their types and their format, results and dead letters beside "
        "it. MODEL is a path or an address. What it has guessed it says in comments.",
        epilog=_examples(
            "modelstream init fraud.keras --data payments.csv",
            "modelstream init models/fraud --kafka payments --data sample.jsonl",
        ),
        formatter_class=_Help,
    )
    init.add_argument("model", metavar="MODEL")
    init.add_argument("--data", metavar="FILE", help="records: JSON lines or CSV")
    init.add_argument("--kafka", metavar="TOPIC", help="read from Kafka; --data is a sample of it")
    init.add_argument(
        "--bootstrap-servers", metavar="HOST:PORT", default="localhost:9092", help="of Kafka"
    )
    init.add_argument("--cluster", action="store_true", help="with volumes, for Kubernetes")
    init.add_argument("-o", "--output", metavar="FILE", help="- is the standard output (NAME.yaml)")
    init.add_argument("--signature", metavar="NAME", help="of the model (serving_default)")
    _bindings(init)
    _which(init)
    init.set_defaults(command=_lazy("init", "reading {model}"))
    return init


def _run(commands: Commands) -> argparse.ArgumentParser:
    run = commands.add_parser(
        "run",
        help="run a manifest on this machine, on an embedded Flink",
        description="Run the ModelStream of FILE on this machine. What exists only in a cluster "
        "is given by --model, --mount and --secret. Paths in options and on the command line are "
        "relative to the working directory, as in Flink; python.script is beside the manifest.",
        epilog=_EXITS,
    )
    run.add_argument("file", metavar="FILE", type=Path)
    run.add_argument("--name", help="which ModelStream of FILE, where there are several")
    _pairs(run, "--model", "NAME=PATH", "the directory (or address) of a model, instead of its uri")
    _pairs(run, "--set", "PATH=VALUE", "exchange a value, such as spec.flink.runtimeMode=Batch")
    _pairs(run, "--mount", "CLAIM=DIR", "a directory for a claim or a ConfigMap")
    _pairs(run, "--secret", "NAME/KEY=FILE", "a file for the key of a Secret")
    run.add_argument("--parallelism", metavar="N", type=_positive, help="of every operator")
    run.add_argument(
        "--restore",
        metavar="latest|PATH",
        help="start from a checkpoint or savepoint; latest: the newest below spec.state.storage",
    )
    run.add_argument(
        "--fail-on-dead-letters",
        metavar="N",
        type=_positive,
        help="end with exit code 1 when N records were not scored",
    )
    run.set_defaults(command=_lazy("run", "reading {file}"))
    return run


def _predict(commands: Commands) -> argparse.ArgumentParser:
    predict = commands.add_parser(
        "predict",
        help="send a few records through a model, without Flink",
        description="Print what a model makes of records, a JSON object for each, as a job would "
        "give it. MODEL is a path or an address. FILE has a JSON object a line, an array of "
        "them, or CSV, whose first line may name the columns; - is the standard input. What "
        "cannot be scored is said with the words of its dead letter.",
        epilog=_examples(
            """modelstream predict fraud.keras --record '{"age": 41, "amount": 12.5}'""",
            "modelstream predict fraud.keras payments.csv --limit 5 --method Regress",
            "head -n 3 payments.jsonl | modelstream predict models/fraud -",
        ),
        formatter_class=_Help,
    )
    predict.add_argument("model", metavar="MODEL")
    predict.add_argument("file", metavar="FILE", nargs="?")
    predict.add_argument(
        "--record", metavar="JSON", action="append", default=[], help="a record; repeatable"
    )
    predict.add_argument("--limit", metavar="N", type=_positive, help="score the first N only")
    predict.add_argument("--signature", metavar="NAME", help="of the model (serving_default)")
    predict.add_argument(
        "--method",
        type=str.capitalize,
        choices=("Predict", "Classify", "Regress"),
        help="how the model is called (what its exporter meant)",
    )
    predict.add_argument(
        "--labels", metavar="FILE", help="of Classify: a file beside the model, one label a line"
    )
    _bindings(predict)
    predict.add_argument(
        "--keep", metavar="COLUMN", action="append", default=[], help="show it too; repeatable"
    )
    predict.add_argument(
        "--json", action="store_true", help="failed records too, each with its place"
    )
    _which(predict)
    predict.set_defaults(command=_lazy("predict", "reading {model}"))
    return predict


class _Help(argparse.HelpFormatter):
    """Fills what is prose, and leaves examples as they are written."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        examples, blank, prose = text.rpartition("\n\n")
        return examples + blank + super()._fill_text(prose, width, indent)


def _examples(*lines: str) -> str:
    return "\n".join(["examples:", *(f"  {line}" for line in lines), "", _EXITS])


def _bindings(to: argparse.ArgumentParser) -> None:
    """What says which column is which."""
    _pairs(to, "--input", "TENSOR=COLUMN", "the column that feeds a tensor (of its name)")
    _pairs(to, "--constant", "TENSOR=VALUE", "one value for all records, JSON or text", _constant)
    to.add_argument(
        "--columns",
        metavar="NAMES",
        type=_names,
        default=(),
        help="of CSV without a header, separated by commas",
    )


def _which(to: argparse.ArgumentParser) -> None:
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


def _validate(commands: Commands) -> argparse.ArgumentParser:
    validate = commands.add_parser(
        "validate",
        help="say what is wrong with manifests, without a cluster",
        description="Check manifests as the API server would, and what is on this machine of "
        "their models, programs and files: each problem with its file and line; then what a "
        "local run must be given, and what was not looked at.",
        epilog=_EXITS,
    )
    validate.add_argument("files", metavar="FILE", nargs="+", type=Path)
    _pairs(validate, "--set", "PATH=VALUE", "exchange a value before the check")
    _pairs(validate, "--model", "NAME=PATH", "the directory of a model, instead of its uri")
    validate.set_defaults(command=_lazy("validate"))
    return validate


def _inspect(commands: Commands) -> argparse.ArgumentParser:
    inspect = commands.add_parser(
        "inspect",
        help="show the signatures of a model",
        description="Show what a model takes and gives, as tensors and as SQL types, without "
        "loading it: a SavedModel, a Keras file, a frozen graph. MODEL is a path or an address.",
        epilog=_EXITS,
    )
    inspect.add_argument("model", metavar="MODEL")
    _which(inspect)
    inspect.add_argument("--json", action="store_true", help="as JSON, with the digest")
    inspect.set_defaults(command=_lazy("inspect"))
    return inspect


def _fetch(commands: Commands) -> argparse.ArgumentParser:
    fetch = commands.add_parser(
        "fetch",
        help="bring a model here and print its digest",
        description="Make the directory DEST the model at URI: file, https, s3, gs or hf; an "
        "archive is unpacked. Credentials come from the environment (AWS_*, "
        "GOOGLE_APPLICATION_CREDENTIALS, HF_TOKEN). Addresses that are not public are refused "
        "unless MODELSTREAM_FETCH_ALLOW lists them.",
        epilog=_EXITS,
    )
    fetch.add_argument("uri", metavar="URI")
    fetch.add_argument("dest", metavar="DEST", type=Path)
    fetch.add_argument("--digest", type=_digest, help="sha256:… that the model must have")
    fetch.add_argument("--max-bytes", type=_positive, help="the most that it may take on disk")
    fetch.set_defaults(command=_lazy("fetch"))
    return fetch


def _verify(commands: Commands) -> argparse.ArgumentParser:
    verify = commands.add_parser(
        "verify",
        help="check the models of a manifest and print their digests as JSON",
        description="Check that every model of FILE is there, is what its digest says, and can be "
        "read; print digests and signatures as JSON.",
        epilog=_EXITS,
    )
    verify.add_argument("file", metavar="FILE", type=Path)
    _pairs(verify, "--model", "NAME=PATH", "where a model is; default: /models/NAME")
    verify.set_defaults(command=_lazy("verify"))
    return verify


def _pairs(
    to: argparse.ArgumentParser,
    flag: str,
    metavar: str,
    text: str,
    kind: Callable[[str], tuple[str, object]] | None = None,
) -> None:
    to.add_argument(
        flag,
        metavar=metavar,
        action="append",
        default=[],
        type=kind or _pair,
        help=f"{text}; repeatable, of two for the same the last one counts",
    )


def _pair(text: str) -> tuple[str, str]:
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise argparse.ArgumentTypeError(f"{text!r} has no '=' between a name and its value")
    return key.strip(), value


def _constant(text: str) -> tuple[str, object]:
    tensor, value = _pair(text)
    try:
        return tensor, json.loads(value)
    except ValueError:
        return tensor, value


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(","))


def _digest(text: str) -> str:
    from modelstream.fetch.digest import checked_form

    try:
        return checked_form(text)
    except FetchError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _positive(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number above 0")
    return int(text)
