import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.cli.conftest import Workplace

pytestmark = pytest.mark.flink


def endless(workplace: Workplace) -> None:
    manifest = workplace.directory / "job.yaml"
    text = manifest.read_text()
    text = text.replace("connector: filesystem\n      format: json", "connector: datagen", 1)
    text = text.replace("options: {path: in}", "options: {rows-per-second: 50, fields.x.min: 0}")
    text = text.replace("runtimeMode: Batch", "runtimeMode: Streaming")
    text = text.replace("onError: DeadLetter", "onError: Fail")
    start = text.index("    deadLetter:")
    text = text[:start] + text[text.index("  flink:") :]
    manifest.write_text(text)


def until(condition: Callable[[], bool], seconds: float = 400) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.05)


def children(pid: int) -> set[int]:
    """Processes that descend from ``pid``."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[1])
    found = {pid}
    while more := {child for child, parent in parents.items() if parent in found} - found:
        found |= more
    return found - {pid}


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["Ctrl-C", "SIGTERM"]
)
def test_an_interrupted_run_ends_its_job_and_its_jvm(
    workplace: Workplace, picky: str, number: signal.Signals, code: int
) -> None:
    endless(workplace)
    errors = workplace.directory / "errors"
    # What a shell starts in the background ignores SIGINT, and so does all that it starts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with errors.open("wb") as stderr:
        process = subprocess.Popen(
            workplace.command("run", "job.yaml", "--model", f"picky={picky}"),
            cwd=workplace.directory,
            stderr=stderr,
            start_new_session=True,
        )
    signal.signal(signal.SIGINT, before)
    try:
        until(lambda: " scored" in errors.read_text() or process.poll() is not None)
        descendants = children(process.pid)
        assert descendants, errors.read_text()
        os.killpg(process.pid, number)
        assert process.wait(180) == code
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    said = errors.read_text()
    assert "roots stopped with a last checkpoint after" in said
    published = re.search(r"results: out, \d+ new files? of ([\d,]+) records?$", said, re.MULTILINE)
    assert published, said
    assert len(workplace.lines("out")) == int(published[1].replace(",", "")) > 0
    assert "Traceback" not in said
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in descendants))


PROGRAM = """\
import sys

from pyflink.table import EnvironmentSettings, TableEnvironment

import modelstream as ms

t_env = TableEnvironment.create(EnvironmentSettings.in_batch_mode())
table = t_env.from_elements([(1, 4.0), (2, 9.0)], ["id", "x"])
ms.register(t_env, "root", ms.model("picky"))
t_env.create_temporary_view("numbers", table)
answers = t_env.sql_query("SELECT id, root(CAST(x AS FLOAT)).root FROM numbers")
with answers.execute().collect() as rows:
    print(sys.argv[1], sorted((row[0], row[1]) for row in rows))
"""


def test_a_program_takes_its_model_from_the_manifest(workplace: Workplace, picky: str) -> None:
    (workplace.directory / "jobs").mkdir()
    (workplace.directory / "jobs" / "program.py").write_text(PROGRAM)
    text = (workplace.directory / "job.yaml").read_text()
    start, end = text.index("  pipeline:"), text.index("  flink:")
    python = "  python: {script: program.py, args: [answer]}\n"
    (workplace.directory / "jobs" / "job.yaml").write_text(text[:start] + python + text[end:])
    ended = workplace.modelstream("run", "jobs/job.yaml", "--model", f"picky={picky}")
    assert ended.code == 0, ended.err
    assert ended.out == "answer [(1, 2.0), (2, 3.0)]\n"
    assert "2 read, 2 scored" in ended.err


LEARNER = """\
import tensorflow as tf
from pyflink.table import EnvironmentSettings, TableEnvironment

import modelstream as ms

half = tf.constant(0.5)
model = ms.GraphDefModel.from_function(
    lambda x: {"y": half * x + 2.0}, {"x": ms.TensorSpec("float32", (None,))}
)
t_env = TableEnvironment.create(EnvironmentSettings.in_batch_mode())
ms.register(t_env, "half_plus_two", model)
answers = t_env.sql_query("SELECT half_plus_two(CAST(x AS FLOAT)).y FROM (VALUES (1), (2)) AS t(x)")
with answers.execute().collect() as rows:
    print(sorted(row[0] for row in rows))
"""


LEAVING = """\
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import EnvironmentSettings, TableEnvironment

t_env = TableEnvironment.create(EnvironmentSettings.in_batch_mode())
t_env.execute_sql(
    "CREATE TABLE written (x INT) WITH "
    "('connector' = 'filesystem', 'path' = 'out', 'format' = 'json')"
)
print(t_env.sql_query("SELECT * FROM (VALUES (1), (2)) AS t(x)").execute_insert("written")
      .get_job_client().get_job_id() is not None)
t_env.execute_sql("INSERT INTO written SELECT x / y FROM (VALUES (6, 2), (8, {last})) AS t(x, y)")
"""


@pytest.mark.parametrize(
    ("last", "code", "expected"), [pytest.param("2", 0, [1, 2, 3, 4]), pytest.param("0", 1, [])]
)
def test_a_run_waits_for_the_jobs_that_its_program_leaves(
    workplace: Workplace, last: str, code: int, expected: list[int]
) -> None:
    (workplace.directory / "job.py").write_text(LEAVING.format(last=last))
    text = (workplace.directory / "job.yaml").read_text()
    start, end = text.index("  models:"), text.index("  flink:")
    manifest = text[:start] + "  python: {script: job.py}\n" + text[end:]
    (workplace.directory / "job.yaml").write_text(manifest)
    ended = workplace.modelstream("run", "job.yaml")
    assert (ended.code, ended.out) == (code, "True\n"), ended.err
    found = sorted(int(line.strip("{}").split(":")[1]) for line in workplace.lines("out"))
    assert found == expected if code == 0 else "by zero" in ended.err


def test_a_program_brings_its_model_and_the_manifest_lists_none(workplace: Workplace) -> None:
    (workplace.directory / "job.py").write_text(LEARNER)
    text = (workplace.directory / "job.yaml").read_text()
    start, end = text.index("  models:"), text.index("  flink:")
    manifest = text[:start] + "  python: {script: job.py}\n" + text[end:]
    (workplace.directory / "job.yaml").write_text(manifest)
    ended = workplace.modelstream("run", "job.yaml")
    assert ended.code == 0, ended.err
    assert ended.out == "[2.5, 3.0]\n"
    assert "2 read, 2 scored" in ended.err
    refused = workplace.modelstream("run", "job.yaml", "--model", "m=here")
    assert "the manifest has no model of that name; it has none" in refused.err


def test_a_run_leaves_the_classes_of_flink_for_those_that_come_later(
    workplace: Workplace, picky: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JVM_ARGS", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    workplace.records('{"id": 1, "x": 4.0}')
    arguments = ("run", "job.yaml", "--model", f"picky={picky}")
    assert workplace.modelstream(*arguments).code == 0
    (file,) = (tmp_path / "cache" / "modelstream" / "classes").iterdir()
    assert file.suffix == ".jsa"
    monkeypatch.setenv("JAVA_TOOL_OPTIONS", f"-Xlog:class+load:file={tmp_path}/loaded.log")
    workplace.records('{"id": 1, "x": 4.0}', '{"id": 2, "x": 9.0}')
    assert workplace.modelstream(*arguments).code == 0
    loaded = (tmp_path / "loaded.log").read_text().splitlines()
    flink = [line for line in loaded if " org.apache.flink.runtime." in line]
    kept = [line for line in flink if "shared objects file" in line]
    assert len(kept) > len(flink) / 2
