"""One tree of errors: whoever catches its root catches what the library raises."""

import ast
import builtins
from collections.abc import Iterator
from pathlib import Path

import modelstream
from modelstream import errors

PACKAGE = Path(modelstream.__file__).parent
# What Python itself asks for, and what the same module catches.
ALLOWED = {
    ("__init__.py", "AttributeError"),  # the library without that name
    ("exports.py", "AttributeError"),  # a module without that name
    ("job/store.py", "FileNotFoundError"),  # as every file system says it
    ("job/store.py", "OSError"),  # as gzip says it, of every compression
    ("convert/codec.py", "ValueError"),  # becomes a StateError
}


def raised() -> Iterator[tuple[str, str]]:
    """Each file that raises one of Python's own exceptions by name, and which."""
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Raise) or node.exc is None:
                continue
            made = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            name = made.id if isinstance(made, ast.Name) else ""
            found = getattr(builtins, name, None)
            if isinstance(found, type) and issubclass(found, Exception):
                yield str(path.relative_to(PACKAGE)), name


def test_the_library_raises_errors_of_its_own() -> None:
    assert set(raised()) == ALLOWED


def test_every_error_has_the_root() -> None:
    here = {each for each in vars(errors).values() if isinstance(each, type)}
    classes = {each for each in here if each.__module__ == errors.__name__}
    assert classes
    assert all(issubclass(each, errors.ModelStreamError) for each in classes)
