"""The Python functions of one worker are unpickled by several threads at the same time."""

import subprocess
import sys

_AT_ONCE = """
import pickle, sys, threading
import pyflink.fn_execution.beam.beam_sdk_worker_main  # what a worker has when it begins

def unpickle(module, name):
    together.wait()
    try:
        pickle.loads(f"c{module}\\n{name}\\n.".encode())
    except Exception as error:
        print(f"{module}: {type(error).__name__}: {error}")

names = [each.rsplit(":", 1) for each in sys.argv[1:]]
together = threading.Barrier(len(names))
threads = [threading.Thread(target=unpickle, args=each) for each in names]
for each in threads:
    each.start()
for each in threads:
    each.join()
"""


def test_functions_that_are_unpickled_at_once_find_all_that_they_import() -> None:
    names = (
        *("modelstream.flink.operators:ScoreAsync", "modelstream.flink.operators:ScoreRecord"),
        *("modelstream.flink.udf:ModelFunction", "modelstream.flink.letters:as_row"),
        *("modelstream.models.saved_model:SavedModel", "modelstream.convert.spec:TensorSpec"),
        *("modelstream.job.decode.csv:CsvDecoder", "modelstream.job.decode.json:JsonDecoder"),
    )
    command = [sys.executable, "-c", _AT_ONCE, *names]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == ""
