"""Run modelstream.yaml over the source files of a directory: ``python demo.py [DIR]``.

Fetches the model from PyPI once, gives the manifest what a cluster would give it, runs it on an
embedded Flink, and shows what came out.
"""

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from modelstream.cli import reported
from modelstream.cli.run import Request, run
from modelstream.cli.table import aligned
from modelstream.fetch import fetch

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
BUILD = REPOSITORY / ".build"
OUT = REPOSITORY / "out" / "source-languages"
PACKAGE = "guesslang==2.2.1"
DIGEST = "sha256:d0df28409be07c3da5dd158310cf5a5c8610731e5e769f8ddba7320e59e38326"
SUFFIXES = (
    *(".c", ".cc", ".cpp", ".cs", ".css", ".erl", ".go", ".h", ".hs", ".html", ".java", ".jl"),
    *(".js", ".json", ".kt", ".lua", ".md", ".php", ".pl", ".ps1", ".py", ".r", ".rb", ".rs"),
    *(".scala", ".sh", ".sql", ".swift", ".tex", ".toml", ".ts", ".xml", ".yaml", ".yml"),
)
NAMES = frozenset({"Dockerfile", "Makefile"})
LARGEST = 1_000_000
UNREADABLE = b"# Not UTF-8, on purpose: the demo shows what becomes of it.\nname = 'Z\xfcrich'\n"


def main(arguments: list[str]) -> int:
    """Stage, run, show."""
    directory = Path(arguments[0] if arguments else REPOSITORY).resolve()
    if not directory.is_dir():
        what = "is a file: name a directory" if directory.exists() else "there is no such directory"
        print(f"{directory}: {what}", file=sys.stderr)
        return 2
    model = guesslang()
    sources = stage(directory)
    shutil.rmtree(OUT, ignore_errors=True)
    languages, unreadable = OUT / "languages", OUT / "unreadable"
    path = "spec.pipeline.{}.options.path".format
    start = time.monotonic()
    run(
        Request(
            HERE / "modelstream.yaml",
            models={"guesslang": str(model)},
            overrides={
                path("source"): str(sources),
                path("sink"): str(languages),
                path("deadLetter"): str(unreadable),
            },
        )
    )
    took = time.monotonic() - start
    scored, dead = list(records(languages)), list(records(unreadable))
    show(scored, dead, sources, took)
    print(f"\nJSON lines: {OUT.relative_to(REPOSITORY)}/")
    return 0


def guesslang() -> Path:
    """The SavedModel in the package guesslang, without the rest of it."""
    wheels, model = BUILD / "wheels", BUILD / "models" / "guesslang"
    if not list(wheels.glob("guesslang-*.whl")):
        print(f"Fetching {PACKAGE} from PyPI (2.6 MB, once) ...")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--no-deps", "--dest", wheels, PACKAGE], check=True)
    (wheel,) = wheels.glob("guesslang-*.whl")
    return fetch(f"{wheel}#subdirectory=guesslang/data/model", model, digest=DIGEST).path


def stage(directory: Path) -> Path:
    """The source files below ``directory``, and one that cannot be read, in one place."""
    sources = BUILD / "demo-sources"
    shutil.rmtree(sources, ignore_errors=True)
    for file in source_files(directory):
        target = sources / file.relative_to(directory)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    sources.mkdir(parents=True, exist_ok=True)
    (sources / "not-utf-8.py").write_bytes(UNREADABLE)
    return sources


def source_files(directory: Path) -> Iterator[Path]:
    """Files with the name of a source file; nothing hidden, nothing built, nothing huge."""
    for entry in sorted(directory.iterdir()):
        if entry.name.startswith(".") or entry.is_symlink():
            continue
        if entry.is_dir() and entry.name not in {"node_modules", "out", "dist", "__pycache__"}:
            yield from source_files(entry)
        elif _is_source(entry) and 0 < entry.stat().st_size <= LARGEST:
            yield entry


def _is_source(file: Path) -> bool:
    return file.is_file() and (file.suffix.lower() in SUFFIXES or file.name in NAMES)


def records(directory: Path) -> Iterator[dict[str, Any]]:
    """The JSON lines that Flink wrote below ``directory``."""
    for part in sorted(directory.rglob("part-*")):
        for line in part.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)


def show(
    scored: list[dict[str, Any]], dead: list[dict[str, Any]], sources: Path, took: float
) -> None:
    """Languages, a sample of files, dead letters, and the sum of it."""
    counts = Counter(record["language"] for record in scored)
    best: dict[str, dict[str, Any]] = {}
    for record in scored:
        language = record["language"]
        if language not in best or record["score"] > best[language]["score"]:
            best[language] = record
    rows = [
        (language, str(count), f"{best[language]['score']:.3f}", short(best[language], sources))
        for language, count in counts.most_common()
    ]
    print(aligned(("LANGUAGE", "FILES", "SCORE", "SUREST FILE"), rows))
    for letter in dead:
        print(f"\ndead letter: {letter['stage']} {letter['error_type']}: {letter['message']}")
    print(
        f"\n{len(scored) + len(dead)} files, {len(counts)} languages, {len(dead)} dead letter"
        f"{'' if len(dead) == 1 else 's'}, {len(scored) / took:.0f} files/s with Flink's start"
    )


def short(record: dict[str, Any], sources: Path) -> str:
    """The file of a record, below the directory that was read."""
    return str(record["path"]).removeprefix("file:").removeprefix(f"{sources}/")


if __name__ == "__main__":
    sys.exit(reported(lambda: main(sys.argv[1:])))
