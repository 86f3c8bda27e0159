"""What is at a path that is not a model of the stated format, and what to write instead."""

from pathlib import Path

_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".tar.bz2", ".tar.xz", ".whl")


def archive(path: Path) -> str | None:
    """That it is an archive, where it is one."""
    if not path.is_file() or not path.name.lower().endswith(_ARCHIVES):
        return None
    return f"{path} is an archive: unpack it, as `modelstream fetch {path} DIR` does, and give DIR"


def other(path: Path, stated: str) -> str | None:
    """What it is, where it is not of the stated format; None where nothing speaks against that."""
    if said := archive(path):
        return said
    from modelstream.models.formats import format_of

    found = format_of(path)
    if found in (None, stated):
        return None
    more = ", and its signatures" if found == "GraphDef" else ""
    return f"{path} is of another format than {stated}: write format: {found}{more}"
