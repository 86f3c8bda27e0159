"""``python`` jobs: a PyFlink program on the library, run in this process."""

import runpy
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from modelstream.errors import JobError
from modelstream.job.context import JobContext
from modelstream_crds.names import CONFIG_MAPS_ROOT
from modelstream_crds.v1alpha1 import ConfigMapScript, Python


def run(python: Python, context: JobContext) -> None:
    """Run the program to its end, as ``python script args`` or ``python -m module args`` would.

    Raises:
        JobError: there is no such program, or it ended with an error code.
    """
    with _arguments(python, context) as program:
        try:
            if python.module is not None:
                runpy.run_module(python.module, run_name="__main__", alter_sys=True)
            else:
                runpy.run_path(str(program), run_name="__main__")
        except SystemExit as end:
            if end.code not in (None, 0):
                raise JobError(f"the program {program} ended with {end.code!r}") from end
        except ImportError as missing:
            if python.module is not None and missing.name == python.module:
                raise JobError(
                    f"python.module: there is no module {python.module!r}; it must be installed "
                    f"in the image, or on PYTHONPATH"
                ) from missing
            raise


def program_path(python: Python, context: JobContext) -> Path:
    """The file of a script or of a ConfigMap's key.

    Raises:
        JobError: it is not there.
    """
    if python.config_map is not None:
        path, field = _config_map(python.config_map, context), "python.configMap"
    else:
        path, field = context.base / str(python.script), "python.script"
    if not path.is_file():
        raise JobError(f"{field}: there is no file {path}")
    return path


def _config_map(source: ConfigMapScript, context: JobContext) -> Path:
    if context.local:
        return context.mount(source.name) / source.key
    return Path(CONFIG_MAPS_ROOT) / source.name / source.key


@contextmanager
def _arguments(python: Python, context: JobContext) -> Iterator[str]:
    program = python.module or str(program_path(python, context))
    arguments, path = sys.argv, list(sys.path)
    sys.argv = [program, *python.args]
    if python.module is None:
        sys.path.insert(0, str(Path(program).resolve().parent))
    try:
        yield program
    finally:
        sys.argv = arguments
        sys.path[:] = path
