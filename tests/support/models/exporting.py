"""Models are exported once a process, into a temporary directory."""

import atexit
import shutil
import tempfile
from collections.abc import Callable
from functools import cache, wraps
from pathlib import Path


@cache
def exports() -> Path:
    """The directory of what this process exports."""
    directory = Path(tempfile.mkdtemp(prefix="modelstream-test-models-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    return directory


def exported(export: Callable[[Path], None]) -> Callable[[], Path]:
    """Make a function that writes a model into one that returns where it is, written once."""

    @cache
    @wraps(export)
    def path() -> Path:
        target = exports() / export.__name__
        export(target)
        return target

    return path
