import subprocess
import sys

INTERRUPTED = """
import logging
from modelstream.cli.quiet import quiet

with quiet():
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        logging.exception("KeyboardInterrupt while sending command.")  # as py4j does
    logging.error("a program says so")
"""


def test_ctrl_c_while_the_jvm_is_asked_leaves_no_traceback_of_py4j() -> None:
    command = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == "ERROR:root:a program says so\n"
