"""A class of the user in thread mode: nothing knows before it opens, and then it says why not."""

import json
import os
import site
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
JOB = """
from tests.support.flink import stream_environment, streamed
from tests.support.numpymodel import NumpyModel
from modelstream.flink.classes import ModelMapFunction

class Twice(ModelMapFunction):
    def map(self, value):
        return self.model.score(value)["y"]

env = stream_environment({"python.execution-mode": "thread"})
streamed(env.from_collection([1.0]).map(Twice(NumpyModel())))
"""


@pytest.mark.flink
def test_a_function_that_opens_in_a_thread_of_the_jvm_is_refused_with_the_reason() -> None:
    # The embedded interpreter does not see a virtual environment by itself.
    path = os.pathsep.join([*sys.path, *site.getsitepackages(), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-c", JOB],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
        timeout=300,
    )
    assert done.returncode != 0
    assert "python.execution-mode is thread: TensorFlow can deadlock there" in done.stderr, (
        json.dumps(done.stderr[-3000:])
    )
