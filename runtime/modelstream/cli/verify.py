"""``modelstream verify``: are the models what the manifest says they are."""

import argparse
import json
from pathlib import Path

from modelstream.cli.exits import Exit
from modelstream.job.verification import verified
from modelstream_crds import manifest, names


def command(arguments: argparse.Namespace) -> Exit:
    """Print name, digest and signatures of every model as JSON."""
    spec = manifest.load(arguments.file).spec
    given = dict(arguments.model)
    models = [
        verified(model, Path(given.get(model.name, f"{names.MODELS_ROOT}/{model.name}")))
        for model in spec.models
    ]
    print(json.dumps({"models": [model.described() for model in models]}, indent=2))
    return Exit.DONE
