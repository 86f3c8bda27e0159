"""The interpreter that Flink starts Python workers with, as in ``python.executable``."""

import atexit
import shlex
import shutil
import sys
import tempfile
from functools import cache
from pathlib import Path

BOOT = Path(__file__).with_name("loopback_boot.py")
SCRIPT = """\
#!/bin/sh
if [ "$2" = pyflink.fn_execution.beam.beam_boot ] && [ -n "$PYTHON_LOOPBACK_SERVER_ADDRESS" ]; then
  shift 2
  exec {python} -P {boot} "$@"
fi
exec {python} "$@"
"""


@cache
def executable() -> str:
    """This interpreter; a worker that is only a thread of this process is announced by less."""
    directory = Path(tempfile.mkdtemp(prefix="modelstream-test-worker-"))
    atexit.register(shutil.rmtree, directory, ignore_errors=True)
    path = directory / "python"
    path.write_text(SCRIPT.format(python=shlex.quote(sys.executable), boot=shlex.quote(str(BOOT))))
    path.chmod(0o755)
    return str(path)
