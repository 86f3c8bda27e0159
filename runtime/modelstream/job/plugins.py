"""Plugin directories for an embedded Flink: one directory for each plugin, as Flink wants it."""

import tempfile
from collections.abc import Iterable
from pathlib import Path

from modelstream.job.artifacts import cache_directory


def directories(jars: Iterable[Path], installed: Path) -> list[Path]:
    """Directories whose sub-directories are plugins: the fetched jars, and Flink's own."""
    found = [installed] if installed.is_dir() else []
    found += [_plugin_root(jar) for jar in jars]
    return found


def _plugin_root(jar: Path) -> Path:
    """A directory ``…/plugins/<stem>`` with one plugin in it: a link to the jar."""
    root = cache_directory().parent / "plugins" / jar.stem
    link = root / jar.stem / jar.name
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=link.parent.parent.parent) as staging:
            made = Path(staging) / jar.name
            made.symlink_to(jar.resolve())
            made.replace(link)
    return root
