"""A run goes on where another one was, at another parallelism."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from tests.integration.cli.conftest import Workplace
from tests.support.jobs import place

pytestmark = pytest.mark.flink

PIPELINE = """
  models: [{name: picky, uri: pvc://models/picky}]
  pipeline:
    source:
      connector: filesystem
      format: json
      schema: [{name: id, type: BIGINT}, {name: x, type: FLOAT}]
      options: {path: in, source.monitor-interval: 100 ms}
    inference: {model: picky, inputs: {x: x}, outputs: {root: root}, keep: [id]}
    sink:
      connector: filesystem
      format: json
      options:
        path: out
        sink.rolling-policy.rollover-interval: 100 ms
        sink.rolling-policy.check-interval: 100 ms
"""
LEARNER = """
  python: {script: learn.py}
"""
LEARN = """\
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

import modelstream as ms


def build():
    import tensorflow as tf

    class Scale(tf.Module):
        def __init__(self):
            self.factor = tf.Variable(2.0)

        def __call__(self, x):
            return x * self.factor

    return Scale()


model = ms.OnlineModel(
    build,
    loss="mean_squared_error",
    optimizer="sgd",
    inputs={"x": ms.TensorSpec("float32", (None,))},
    labels={"y": ms.TensorSpec("float32", (None,))},
    outputs={"root": ms.TensorSpec("float32", (None,))},
    update_every=1,
    name="scale",
)
t_env = StreamTableEnvironment.create(StreamExecutionEnvironment.get_execution_environment())
t_env.execute_sql(
    "CREATE TABLE numbers (id BIGINT, x FLOAT) WITH ('connector' = 'filesystem', "
    "'path' = 'in', 'format' = 'json', 'source.monitor-interval' = '100 ms')"
)
t_env.execute_sql(
    "CREATE TABLE learned (id BIGINT, root FLOAT, updates BIGINT) WITH ("
    "'connector' = 'filesystem', 'path' = 'out', 'format' = 'json', "
    "'sink.rolling-policy.rollover-interval' = '100 ms', "
    "'sink.rolling-policy.check-interval' = '100 ms')"
)
rows = t_env.to_data_stream(t_env.sql_query("SELECT id, x, x AS y, 'all' AS who FROM numbers"))
learned = ms.learn(rows.key_by(lambda row: row.who), model, keep=["id"])
scored = t_env.from_data_stream(learned.scored)
t_env.create_temporary_view("scored", scored)
t_env.execute_sql("INSERT INTO learned SELECT id, root, updates FROM scored").wait()
"""
HEAD = "apiVersion: modelstream.dev/v1alpha1\nkind: ModelStream\nmetadata: {name: roots}\nspec:"
STATE = "  state: {storage: pvc://state, checkpointInterval: 300ms}\n"


Wait = Callable[[Callable[[], bool]], None]


@contextmanager
def running(workplace: Workplace, *arguments: str) -> Iterator[Wait]:
    """A run that ends by SIGTERM when the block does; waits for a condition while it runs."""

    def until(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 300
        while not condition():
            assert process.poll() is None, errors.read_text()
            assert time.monotonic() < deadline, errors.read_text()
            time.sleep(0.05)

    errors = workplace.directory / "errors"
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            workplace.command("run", "job.yaml", *arguments),
            cwd=workplace.directory,
            stderr=stderr,
            start_new_session=True,
        )
    try:
        yield until
        os.killpg(process.pid, signal.SIGTERM)
        assert process.wait(180) == 128 + signal.SIGTERM, errors.read_text()
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.mark.parametrize("job", [PIPELINE, LEARNER], ids=["pipeline", "learner between tables"])
def test_a_run_goes_on_from_its_last_checkpoint_at_another_parallelism(
    workplace: Workplace, picky: str, job: str
) -> None:
    (workplace.directory / "job.yaml").write_text(f"{HEAD}{job}{STATE}")
    (workplace.directory / "learn.py").write_text(LEARN)
    given = ("--mount", f"state={workplace.directory / 'state'}")
    if job is PIPELINE:
        given += ("--model", f"picky={picky}")
    for name in ("in", "state"):
        (workplace.directory / name).mkdir()
    for run, more in enumerate(((), ("--restore", "latest", "--parallelism", "2"))):
        with running(workplace, *given, *more) as until:
            line = json.dumps({"id": run, "x": 4.0})
            place(workplace.directory / "in" / f"{run}.json", line.encode())
            until(lambda count=run + 1: len(workplace.lines("out")) >= count)

    found = [json.loads(line) for line in workplace.lines("out")]
    expected = [{"id": run, "root": 2.0, "updates": run} for run in range(2)]
    if job is PIPELINE:
        assert found == [{"id": row["id"], "root": row["root"]} for row in expected]
    else:
        assert [(row["id"], row["updates"]) for row in found] == [(0, 0), (1, 1)]
