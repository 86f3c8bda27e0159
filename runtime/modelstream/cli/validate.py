"""``modelstream validate``: what is wrong with a manifest, without a cluster."""

import argparse
import sys
from collections.abc import Mapping
from pathlib import Path

from modelstream.cli.exits import Exit
from modelstream_crds.manifest import ManifestError, load_all
from modelstream_crds.needs import cluster_only
from modelstream_crds.v1alpha1 import ModelStream


def command(arguments: argparse.Namespace) -> Exit:
    """Print the problems of every file; valid files are told on standard output."""
    codes = [_validate(file, dict(arguments.set)) for file in arguments.files]
    return max(codes)


def _validate(file: Path, overrides: Mapping[str, str]) -> Exit:
    try:
        streams = load_all(file, overrides)
    except ManifestError as error:
        print(error, file=sys.stderr)
        return Exit.REFUSED
    if not streams:
        print(f"{file}: holds no ModelStream", file=sys.stderr)
        return Exit.REFUSED
    for stream in streams:
        _tell(file, stream)
    return Exit.DONE


def _tell(file: Path, stream: ModelStream) -> None:
    print(f"{file}: {stream.metadata.name} is valid")
    needs = cluster_only(stream.spec)
    if needs:
        print("  to run it on this machine:")
    for need in needs:
        print(f"  - {need}")
