"""Writes what is generated from the models: the CustomResourceDefinition, schema and reference."""

import argparse
import sys
from pathlib import Path

from modelstream_crds import crd, names, reference

_ROOT = Path(__file__).resolve().parents[2]
_CRD = f"{names.GROUP}_{names.PLURAL}.yaml"
GENERATED = {
    _ROOT / "crds" / _CRD: crd.as_yaml,
    _ROOT / "helm" / "modelstream" / "files" / _CRD: crd.as_yaml,
    _ROOT / "docs" / "reference" / "modelstream.md": reference.as_markdown,
    _ROOT / "docs" / "reference" / "modelstream.schema.json": crd.json_schema,
}


def main() -> int:
    """Print one of the two, or write them all to their places in the repository."""
    parser = argparse.ArgumentParser(prog="python -m modelstream_crds", description=__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--crd", action="store_true", help="print the CustomResourceDefinition")
    which.add_argument("--docs", action="store_true", help="print the reference of the fields")
    arguments = parser.parse_args()
    if arguments.crd:
        sys.stdout.write(crd.as_yaml())
    elif arguments.docs:
        sys.stdout.write(reference.as_markdown())
    else:
        for path, text in GENERATED.items():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text(), encoding="utf-8")
            sys.stderr.write(f"wrote {path.relative_to(_ROOT)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
