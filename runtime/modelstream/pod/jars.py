"""Bring the catalogue's jars into a directory: ``python -m modelstream.pod.jars DIRECTORY``.

The image's build runs it, so that pods fetch nothing: ``lib`` is for Flink's class path,
``plugins/NAME`` for a file system of its own class loader.
"""

import shutil
import sys
from pathlib import Path

from modelstream.job.artifacts import ensure
from modelstream.job.connectors import CATALOGUE, FILE_SYSTEMS, FORMATS


def bring(target: Path) -> None:
    """Fetch what is missing and lay it out as Flink wants it."""
    connectors = {jar for each in CATALOGUE.values() for jar in each.jars}
    formats = {jar for jars in FORMATS.values() for jar in jars}
    wanted = [(jar, Path("lib")) for jar in connectors | formats]
    wanted += [(jar, Path("plugins", jar.file_name[:-4])) for jar in set(FILE_SYSTEMS.values())]
    for jar, directory in sorted(wanted, key=lambda each: each[0].coordinates):
        (target / directory).mkdir(parents=True, exist_ok=True)
        shutil.copy2(ensure(jar), target / directory)
        print(f"{directory}/{jar.file_name}")


if __name__ == "__main__":
    bring(Path(sys.argv[1]))
