"""``modelstream validate``: what is wrong with a manifest, without a cluster."""

import argparse
import sys
from collections.abc import Container, Mapping, Sequence
from pathlib import Path

from modelstream.cli.exits import Exit, UsageError
from modelstream.cli.local import beside
from modelstream.cli.look import look
from modelstream.cli.places import Places
from modelstream_crds.manifest import ManifestError, load_all
from modelstream_crds.v1alpha1 import ModelStream

_FIRST = "`modelstream init MODEL` writes a first one"


def command(arguments: argparse.Namespace) -> Exit:
    """Print the problems of every file; valid files are told on standard output."""
    overrides, models = dict(arguments.set), dict(arguments.model)
    codes = [_validate(file, overrides, models) for file in arguments.files]
    return max(codes)


def _validate(file: Path, overrides: Mapping[str, str], models: Mapping[str, str]) -> Exit:
    try:
        local = beside(file)
        overrides = {**local.set, **overrides}
        streams = load_all(file, overrides)
    except ManifestError as error:
        print(error, file=sys.stderr)
        return Exit.REFUSED
    if not streams:
        print(f"{file}: holds no ModelStream: {_FIRST}", file=sys.stderr)
        return Exit.REFUSED
    names = {model.name for stream in streams for model in stream.spec.models}
    if unknown := sorted(models.keys() - names):
        raise UsageError(f"--model {unknown[0]}=…: no manifest in {file} has a model of that name")
    models, there = {**local.models, **models}, {*local.mounts, *local.secrets}
    codes = [_tell(file, stream, overrides, models, there) for stream in streams]
    return max(codes)


def _tell(
    file: Path,
    stream: ModelStream,
    overrides: Mapping[str, str],
    models: Mapping[str, str],
    there: Container[str],
) -> Exit:
    name = stream.metadata.name
    own = {each.name: models[each.name] for each in stream.spec.models if each.name in models}
    found = look(stream.spec, file.parent, own, there)
    places = Places(file, name, dict(overrides))
    for message in found.wrong:
        print(places.of(message), file=sys.stderr)
    if not found.wrong:
        print(f"{file}: {name} is valid")
    _list("to run it on this machine", [places.of(each) for each in found.absent])
    _list("not looked at", found.unseen)
    return Exit.REFUSED if found.wrong else Exit.DONE


def _list(title: str, entries: Sequence[str]) -> None:
    if entries:
        print(f"  {title}:", *(f"  - {entry}" for entry in entries), sep="\n")
