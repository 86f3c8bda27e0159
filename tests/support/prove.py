"""Prove what is in directories, as a container of the runtime image does: ``python prove.py DIR…``.

Prints the exit code of each.
"""

import os
import sys
from pathlib import Path

import pyflink

from modelstream.pod import configuration
from modelstream.pod.__main__ import main
from modelstream.pod.paths import Paths


def paths(root: Path) -> Paths:
    """The places of a pod below a directory."""
    return Paths(
        flink_home=Path(pyflink.__file__).parent,
        flink_conf=root / "flink-conf",
        manifest=root / "config" / "modelstream.yaml",
        operator_options=root / "config" / "flink.yaml",
        secrets=root / "secrets",
        models=root / "models",
        termination_log=root / "termination-log",
    )


if __name__ == "__main__":
    configuration.WORKER = configuration.CLIENT_PYTHON = sys.executable
    os.environ["POD_IP"] = "127.0.0.1"
    for each in sys.argv[1:]:
        print(f"exit {main(['proof'], paths(Path(each)))}", flush=True)
