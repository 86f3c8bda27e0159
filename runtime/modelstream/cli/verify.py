"""``modelstream verify``: are the models what the manifest says they are."""

import argparse
import json
from pathlib import Path

from modelstream.cli.exits import Exit
from modelstream.job.models import place, verified
from modelstream_crds import manifest


def command(arguments: argparse.Namespace) -> Exit:
    """Print name, digest and signatures of every model as JSON."""
    spec = manifest.load(arguments.file).spec
    given = dict(arguments.model)
    models = [
        verified(model, Path(given[model.name]) if model.name in given else place(model))
        for model in spec.models
    ]
    print(json.dumps({"models": [model.described() for model in models]}, indent=2))
    return Exit.DONE
