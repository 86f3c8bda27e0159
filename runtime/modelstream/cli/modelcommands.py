"""The commands that are about models, and what can be typed behind them."""

import argparse
from pathlib import Path

from modelstream.cli.commands import Commands, lazy
from modelstream.cli.options import EXITS, Help, bindings, digest, examples, pairs, positive, which


def predict(commands: Commands) -> argparse.ArgumentParser:
    """``modelstream predict``."""
    predict = commands.add_parser(
        "predict",
        help="send a few records through a model, without Flink",
        description="Print what a model makes of records, a JSON object for each, as a job would "
        "give it. MODEL is a path or an address. FILE has a JSON object a line, an array of "
        "them, or CSV, whose first line may name the columns; - is the standard input. What "
        "cannot be scored is said with the words of its dead letter.",
        epilog=examples(
            """modelstream predict fraud.keras --record '{"age": 41, "amount": 12.5}'""",
            "modelstream predict fraud.keras payments.csv --limit 5 --method Regress",
            "head -n 3 payments.jsonl | modelstream predict models/fraud -",
        ),
        formatter_class=Help,
    )
    predict.add_argument("model", metavar="MODEL")
    predict.add_argument("file", metavar="FILE", nargs="?")
    predict.add_argument(
        "--record", metavar="JSON", action="append", default=[], help="a record; repeatable"
    )
    predict.add_argument("--limit", metavar="N", type=positive, help="score the first N only")
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
    bindings(predict)
    predict.add_argument(
        "--keep", metavar="COLUMN", action="append", default=[], help="show it too; repeatable"
    )
    predict.add_argument(
        "--json", action="store_true", help="failed records too, each with its place"
    )
    which(predict)
    predict.set_defaults(command=lazy("predict", "reading {model}"))
    return predict


def inspect(commands: Commands) -> argparse.ArgumentParser:
    """``modelstream inspect``."""
    inspect = commands.add_parser(
        "inspect",
        help="show the signatures of a model",
        description="Show what a model takes and gives, as tensors and as SQL types, without "
        "loading it: a SavedModel, a Keras file, a frozen graph. MODEL is a path or an address.",
        epilog=EXITS,
    )
    inspect.add_argument("model", metavar="MODEL")
    which(inspect)
    inspect.add_argument("--json", action="store_true", help="as JSON, with the digest")
    inspect.set_defaults(command=lazy("inspect"))
    return inspect


def fetch(commands: Commands) -> argparse.ArgumentParser:
    """``modelstream fetch``."""
    fetch = commands.add_parser(
        "fetch",
        help="bring a model here and print its digest",
        description="Make the directory DEST the model at URI: file, https, s3, gs or hf; an "
        "archive is unpacked. Credentials come from the environment (AWS_*, "
        "GOOGLE_APPLICATION_CREDENTIALS, HF_TOKEN). Addresses that are not public are refused "
        "unless MODELSTREAM_FETCH_ALLOW lists them.",
        epilog=EXITS,
    )
    fetch.add_argument("uri", metavar="URI")
    fetch.add_argument("dest", metavar="DEST", type=Path)
    fetch.add_argument("--digest", type=digest, help="sha256:… that the model must have")
    fetch.add_argument("--max-bytes", type=positive, help="the most that it may take on disk")
    fetch.set_defaults(command=lazy("fetch"))
    return fetch


def verify(commands: Commands) -> argparse.ArgumentParser:
    """``modelstream verify``."""
    verify = commands.add_parser(
        "verify",
        help="check the models of a manifest and print their digests as JSON",
        description="Check that every model of FILE is there, is what its digest says, and can be "
        "read; print digests and signatures as JSON.",
        epilog=EXITS,
    )
    verify.add_argument("file", metavar="FILE", type=Path)
    pairs(verify, "--model", "NAME=PATH", "where a model is; default: /models/NAME")
    verify.set_defaults(command=lazy("verify"))
    return verify
