"""``modelstream fetch``: bring a model here."""

import argparse

from modelstream.cli.exits import Exit
from modelstream.cli.progress import Download, ProgressLine, size
from modelstream.fetch import fetch


def command(arguments: argparse.Namespace) -> Exit:
    """Fetch it, and print its digest."""
    line = ProgressLine()
    try:
        fetched = fetch(
            arguments.uri,
            arguments.dest,
            digest=arguments.digest,
            max_bytes=arguments.max_bytes,
            progress=Download(arguments.uri, line),
        )
    finally:
        line.finish()
    kept = ", there already" if fetched.kept else ""
    print(f"{fetched.path}: {fetched.files} files, {size(fetched.bytes)}{kept}")
    print(fetched.digest)
    return Exit.DONE
