"""PyFlink's boot script for a Python worker that is a thread of the test process.

All that it does there is one call to that process, yet it imports all of Apache Beam and pandas
first: a second of work for each task of each job. Here it finds the messages of the call without
the package around them.
"""

import runpy
import sys
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType


def bare(name: str) -> None:
    """Let modules below a package be imported without what the package itself imports."""
    spec = find_spec(name)
    assert spec is not None
    package = ModuleType(name)
    package.__path__ = list(spec.submodule_search_locations or ())
    sys.modules[name] = package


def script() -> Path:
    """The script of PyFlink, as it is."""
    spec = find_spec("pyflink")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "fn_execution" / "beam" / "beam_boot.py"


if __name__ == "__main__":
    bare("apache_beam")
    runpy.run_path(str(script()), run_name="__main__")
