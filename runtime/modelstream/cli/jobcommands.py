"""The commands that are about manifests and their jobs, and what can be typed behind them."""

import argparse
from pathlib import Path

from modelstream.cli.commands import Commands, lazy
from modelstream.cli.completion import SHELLS
from modelstream.cli.options import EXITS, Help, bindings, examples, pairs, positive, which


def init(commands: Commands) -> argparse.ArgumentParser:
    """``modelstream init``."""
    init = commands.add_parser(
        "init",
        help="write a manifest for a model and some data",
        description="Write a manifest that runs: the model's tensors bound to columns that are "
        "found in the data, with their types and their format, results and dead letters beside "
        "it. MODEL is a path or an address. What it has guessed it says in comments.",
        epilog=examples(
            "modelstream init fraud.keras --data payments.csv",
            "modelstream init models/fraud --kafka payments --data sample.jsonl",
        ),
        formatter_class=Help,
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
    bindings(init)
    which(init)
    init.set_defaults(command=lazy("init", "reading {model}"))
    return init


def run(commands: Commands) -> argparse.ArgumentParser:
    """``modelstream run``."""
    run = commands.add_parser(
        "run",
        help="run a manifest on this machine, on an embedded Flink",
        description="Run the ModelStream of FILE on this machine. What exists only in a cluster "
        "is given by --model, --mount and --secret. Paths in options and on the command line are "
        "relative to the working directory, as in Flink; python.script is beside the manifest.",
        epilog=EXITS,
    )
    _here(run)
    run.add_argument(
        "--restore",
        metavar="latest|PATH",
        help="start from a checkpoint or savepoint; latest: the newest below spec.state.storage; "
        "latest-if-any: or from nothing, where there is none yet",
    )
    run.add_argument(
        "--fail-on-dead-letters",
        metavar="N",
        type=positive,
        help="end with exit code 1 when N records were not scored",
    )
    run.add_argument(
        "--ui", action="store_true", help="serve Flink's page of the job on a port of this machine"
    )
    run.add_argument(
        "--json", action="store_true", help="an object a line for each thing that happens"
    )
    run.set_defaults(command=lazy("run", "reading {file}"))
    return run


def _here(to: argparse.ArgumentParser) -> None:
    """A manifest, and what it is given on this machine."""
    to.add_argument("file", metavar="FILE", type=Path)
    to.add_argument("--name", help="which ModelStream of FILE, where there are several")
    pairs(to, "--model", "NAME=PATH", "the directory (or address) of a model, instead of its uri")
    pairs(to, "--set", "PATH=VALUE", "exchange a value, such as spec.flink.runtimeMode=Batch")
    pairs(to, "--mount", "CLAIM=DIR", "a directory for a claim or a ConfigMap")
    pairs(to, "--secret", "NAME/KEY=FILE", "a file for the key of a Secret")
    to.add_argument("--parallelism", metavar="N", type=positive, help="of every operator")


def plan(commands: Commands) -> argparse.ArgumentParser:
    """``modelstream plan``."""
    plan = commands.add_parser(
        "plan",
        help="show what a job comes to, and what an edit does, without starting it",
        description="Check all that `run` checks, let Flink plan the job, and show it: from the "
        "source through the tensors of the model to the sinks, what is guaranteed on each leg, "
        "and the options of Flink that result. What exists only in a cluster is given as to run. "
        "With --against it says instead what the edit does on a cluster, which needs neither "
        "models nor Flink.",
        epilog=examples(
            "modelstream plan fraud.yaml",
            "modelstream plan fraud.yaml --offline --json",
            "modelstream plan fraud.yaml --offline --svg > fraud.svg",
            "modelstream plan fraud.yaml --against deployed.yaml",
        ),
        formatter_class=Help,
    )
    _here(plan)
    plan.add_argument("--against", metavar="FILE", type=Path, help="what is deployed by now")
    plan.add_argument(
        "--offline", action="store_true", help="ask no Flink: in a second, without its checks"
    )
    form = plan.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="as JSON")
    form.add_argument("--svg", action="store_true", help="as a picture")
    plan.set_defaults(command=lazy("plan", "reading {file}"))
    return plan


def validate(commands: Commands) -> argparse.ArgumentParser:
    """``modelstream validate``."""
    validate = commands.add_parser(
        "validate",
        help="say what is wrong with manifests, without a cluster",
        description="Check manifests as the API server would, and what is on this machine of "
        "their models, programs and files: each problem with its file and line; then what a "
        "local run must be given, and what was not looked at.",
        epilog=EXITS,
    )
    validate.add_argument("files", metavar="FILE", nargs="+", type=Path)
    pairs(validate, "--set", "PATH=VALUE", "exchange a value before the check")
    pairs(validate, "--model", "NAME=PATH", "the directory of a model, instead of its uri")
    validate.add_argument(
        "--json", action="store_true", help="an object a line for each thing that is told"
    )
    validate.set_defaults(command=lazy("validate"))
    return validate


def dead_letters(commands: Commands) -> argparse.ArgumentParser:
    """``modelstream dead-letters``."""
    letters = commands.add_parser(
        "dead-letters",
        help="say why records failed, and write them to be fed again",
        description="Count the dead letters under PATH by stage and reason, with an example of "
        "each. PATH is what a sink of dead letters with format: json has written: a directory, "
        "with the files that are not published yet, or a file; - is the standard input.",
        epilog=examples(
            "modelstream dead-letters dead",
            "modelstream dead-letters dead --out again.jsonl",
        ),
        formatter_class=Help,
    )
    letters.add_argument("path", metavar="PATH")
    letters.add_argument(
        "--out",
        metavar="FILE",
        help="write the records as they came, a line each; - is the standard output",
    )
    letters.add_argument("--json", action="store_true", help="numbers and reasons as JSON")
    letters.set_defaults(command=lazy("deadletters", "reading {path}"))
    return letters


def completion(commands: Commands) -> argparse.ArgumentParser:
    """``modelstream completion``."""
    completion = commands.add_parser(
        "completion",
        help="print what a shell needs to finish words",
        description="Print a script that makes a shell finish the words of this command.",
        epilog=examples(
            "source <(modelstream completion bash)",
            "modelstream completion fish | source",
        ),
        formatter_class=Help,
    )
    completion.add_argument("shell", choices=SHELLS)
    completion.set_defaults(command=lazy("completion"))
    return completion
