"""The names of a package that are imported when they are first used.

Python workers of one process unpickle their functions at the same time. A package that imports its
modules as it is imported holds its lock while it waits for theirs; a thread that begins with one
of the modules holds the module's lock while it waits for the package. Python ends such a deadlock
with an error in one of the two.
"""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def exports(package: str, homes: Mapping[str, str]) -> Callable[[str], Any]:
    """The ``__getattr__`` of a package.

    Args:
        package: its ``__name__``.
        homes: name → the module of the library that defines it, such as ``online.stream``.
    """

    def exported(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(import_module(f"modelstream.{homes[name]}"), name)

    return exported
