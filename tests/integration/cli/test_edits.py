"""Which edits keep the state of a job: each kind of job goes on from what it was before.

The guide has a table of them (docs/operator.md), and each of its rows is a case here.
"""

import json
from dataclasses import dataclass

import pytest
from tests.integration.cli.conftest import Workplace
from tests.integration.cli.test_restore import HEAD, STATE, running
from tests.support.jobs import place

pytestmark = pytest.mark.flink

PIPELINE = """
  models: [{name: picky, uri: pvc://models/picky}, {name: other, uri: pvc://models/picky}]
  pipeline:
    source:
      connector: filesystem
      format: json
      schema: [{name: id, type: BIGINT}, {name: x, type: FLOAT}]
      options: {path: in, source.monitor-interval: 100 ms}
    inference:
      model: picky
      inputs: {x: x}
      outputs: {root: root}
      keep: [id]
      batch: {maxSize: 8}
    sink:
      connector: filesystem
      format: json
      options:
        path: out
        sink.rolling-policy.rollover-interval: 100 ms
        sink.rolling-policy.check-interval: 100 ms
"""
SQL = """
  models: [{name: picky, uri: pvc://models/picky}, {name: other, uri: pvc://models/picky}]
  sql:
    statements: |
      CREATE TABLE numbers (id BIGINT, x FLOAT) WITH ('connector' = 'filesystem', 'path' = 'in',
        'format' = 'json', 'source.monitor-interval' = '100 ms');
      CREATE TABLE roots (id BIGINT, root FLOAT) WITH ('connector' = 'filesystem', 'path' = 'out',
        'format' = 'json', 'sink.rolling-policy.rollover-interval' = '100 ms',
        'sink.rolling-policy.check-interval' = '100 ms');
      INSERT INTO roots SELECT id, picky(x).root FROM numbers;
"""
MORE = """\
      CREATE TABLE other_numbers (id BIGINT) WITH ('connector' = 'datagen',
        'rows-per-second' = '1');
      CREATE TABLE nothing (id BIGINT) WITH ('connector' = 'blackhole');
      INSERT INTO nothing SELECT id FROM other_numbers;
"""
PYTHON = """
  models: [{name: picky, uri: pvc://models/picky}, {name: other, uri: pvc://models/picky}]
  python: {script: program.py, args: [picky, id]}
"""
PROGRAM = """\
import sys

import modelstream as ms
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

name, columns = sys.argv[1], sys.argv[2].split("+")
t_env = StreamTableEnvironment.create(StreamExecutionEnvironment.get_execution_environment())
t_env.execute_sql(
    "CREATE TABLE numbers (id BIGINT, x FLOAT) WITH ('connector' = 'filesystem', 'path' = 'in', "
    "'format' = 'json', 'source.monitor-interval' = '100 ms')"
)
t_env.execute_sql(
    "CREATE TABLE roots (id BIGINT, root FLOAT) WITH ('connector' = 'filesystem', 'path' = 'out', "
    "'format' = 'json', 'sink.rolling-policy.rollover-interval' = '100 ms', "
    "'sink.rolling-policy.check-interval' = '100 ms')"
)
scored = ms.infer(t_env.from_path("numbers"), ms.model(name), keep=columns).scored
t_env.create_temporary_view("scored", scored)
t_env.execute_sql("INSERT INTO roots SELECT id, root FROM scored").wait()
"""


@dataclass(frozen=True)
class Edit:
    """What differs between two runs, and what becomes of the state."""

    job: str
    old: str
    new: str
    keeps: bool = True


EDITS = {
    "pipeline: model": Edit(PIPELINE, "model: picky", "model: other"),
    "pipeline: batch": Edit(PIPELINE, "maxSize: 8", "maxSize: 16, maxLatency: 200ms"),
    "pipeline: columns kept": Edit(PIPELINE, "keep: [id]", "keep: [id, x]"),
    "pipeline: column of the source": Edit(
        PIPELINE, "type: FLOAT}]", "type: FLOAT}, {name: more, type: STRING}]"
    ),
    "pipeline: sink": Edit(PIPELINE, "path: out", "path: elsewhere"),
    "sql: model": Edit(SQL, "picky(x)", "other(x)"),
    "sql: statement added before": Edit(
        SQL, "      INSERT INTO", f"{MORE}      INSERT INTO", keeps=False
    ),
    "sql: statement added after": Edit(SQL, "FROM numbers;\n", f"FROM numbers;\n{MORE}"),
    "sql: added column": Edit(SQL, "SELECT id, picky", "SELECT id + CAST(x AS BIGINT) - 4, picky"),
    "python: model": Edit(PYTHON, "[picky, id]", "[other, id]"),
    "python: columns kept": Edit(PYTHON, "[picky, id]", "[picky, id+x]"),
}


def goes_wrong(workplace: Workplace, job: str, number: int, *given: str) -> str:
    """Run a job until the record of that number is out; what it said where it ended before."""
    there = workplace.directory
    (there / "job.yaml").write_text(f"{HEAD}{job}{STATE}")
    try:
        with running(workplace, *given) as until:
            line = json.dumps({"id": number, "x": 4.0})
            place(there / "in" / f"{number}.json", line.encode())
            until(lambda: len(rows(workplace)) > number)
    except AssertionError as error:
        return str(error)
    return ""


def rows(workplace: Workplace) -> list[str]:
    return workplace.lines("out") + workplace.lines("elsewhere")


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_an_edit_keeps_the_state_as_the_guide_says(
    workplace: Workplace, picky: str, edit: Edit
) -> None:
    """What the run before has read is not read again."""
    there = workplace.directory
    (there / "program.py").write_text(PROGRAM)
    for name in ("in", "state"):
        (there / name).mkdir()
    given = ["--mount", f"state={there / 'state'}"]
    for model in ("picky", "other"):
        given += ["--model", f"{model}={picky}"]
    after = edit.job.replace(edit.old, edit.new)
    assert after != edit.job

    assert not goes_wrong(workplace, edit.job, 0, *given)
    said = goes_wrong(workplace, after, 1, *given, "--restore", "latest")
    assert ("allowNonRestoredState" in said) is not edit.keeps, said
    ids = sorted(json.loads(row)["id"] for row in rows(workplace))
    assert ids == ([0, 1] if edit.keeps else [0])
