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
    logging.getLogger().setLevel(logging.INFO)  # as Beam does
    logging.getLogger("tensorflow").info("Restoring parameters")
    logging.error("a program says so")
"""


def test_neither_py4j_nor_tensorflow_stands_between_what_a_command_says() -> None:
    command = [sys.executable, "-c", INTERRUPTED]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stderr == "ERROR:root:a program says so\n"
