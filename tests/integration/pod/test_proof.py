"""The proof of a revision, with the real Flink and in a process of its own: built, and not run."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.support import models, prove

from modelstream.job import artifacts, connectors
from modelstream_operator.decide.acceptance import accepted
from modelstream_operator.render import Target
from modelstream_operator.render.config import flink_options, job_manifest

PROGRAM = """
import modelstream as ms
from pathlib import Path
from pyflink.table import EnvironmentSettings, TableEnvironment
t_env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
t_env.execute_sql(
    "CREATE TABLE numbers (x FLOAT) WITH ('connector' = 'datagen', 'number-of-rows' = '3')"
)
t_env.execute_sql(
    "CREATE TABLE roots (root FLOAT) WITH "
    "('connector' = 'filesystem', 'format' = 'json', 'path' = 'OUT')"
)
scored = ms.infer(t_env.from_path("numbers"), ms.model("picky"), keep=[]).scored
Path("OUT.before").touch()
scored.execute_insert("roots").wait()
Path("OUT.after").touch()
"""
TABLES = (
    "CREATE TABLE numbers (x FLOAT, name STRING) WITH ('connector' = 'datagen');"
    "CREATE TABLE roots (root FLOAT) WITH ('connector' = 'blackhole');"
)


def sql(insert: str) -> dict[str, Any]:
    return {"sql": {"statements": f"{TABLES} INSERT INTO roots {insert}"}}


def pipeline(column: str) -> dict[str, Any]:
    schema = [{"name": "x", "type": column}]
    source = {"connector": "datagen", "schema": schema}
    return {
        "pipeline": {
            "source": source,
            "inference": {"model": "picky"},
            "sink": {"connector": "blackhole"},
        }
    }


def with_jars() -> dict[str, Any]:
    """A connector that the image does not have, by ``pipeline.jars``."""
    jars = artifacts.ensure_all(connectors.CATALOGUE["kafka"].jars)
    spec = pipeline("FLOAT")
    options = {"topic": "t", "properties.bootstrap.servers": "localhost:1"}
    spec["pipeline"]["sink"] = {"connector": "kafka", "format": "json", "options": options}
    listed = ";".join(jar.resolve().as_uri() for jar in jars)
    return {**spec, "flink": {"configuration": {"pipeline.jars": listed}}}


def program(path: Path, text: str) -> dict[str, Any]:
    path.write_text(text)
    return {"python": {"script": str(path)}}


@dataclass(frozen=True)
class Proof:
    """How a container has ended."""

    code: int
    message: str


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("proof")


@pytest.fixture(scope="module")
def proofs(root: Path) -> dict[str, Proof]:
    """All of them in one process, which starts Flink's JVM once."""
    specs = {
        "pipeline": pipeline("FLOAT"),
        "column": pipeline("STRING"),
        "sql": sql("SELECT picky(x).root FROM numbers"),
        "table": sql("SELECT picky(x).root FROM nowhere"),
        "types": sql("SELECT name FROM numbers"),
        "program": program(root / "good.py", PROGRAM.replace("OUT", str(root / "out"))),
        "error": program(root / "bad.py", "def main():\n    raise ValueError('no luck')\nmain()\n"),
        "nothing": program(root / "idle.py", "print('done')\n"),
        "jars": with_jars(),
        "import": {**pipeline("FLOAT"), "imports": ["no_such_package"]},
    }
    for name, spec in specs.items():
        _write(root / name, spec)
    script = str(Path(prove.__file__))
    environment = {**os.environ, "FLINK_LOG_DIR": str(root / "log")}
    command = [sys.executable, script, *(str(root / name) for name in specs)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    codes = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("exit ")]
    assert len(codes) == len(specs), done.stderr
    told = [(root / name / "termination-log").read_text() for name in specs]
    return {name: Proof(*each) for name, *each in zip(specs, codes, told, strict=True)}


def _write(place: Path, spec: dict[str, Any]) -> None:
    model = {"name": "picky", "uri": "pvc://models/picky", "imports": spec.pop("imports", [])}
    manifest: dict[str, Any] = {
        "apiVersion": "modelstream.dev/v1alpha1",
        "kind": "ModelStream",
        "metadata": {"name": "scores", "namespace": "fraud", "uid": "0f1e2d3c", "generation": 1},
        "spec": {"models": [model], "state": {"storage": "pvc://state"}, **spec},
    }
    target = Target(accepted(manifest), manifest, run=4, job_id="a" * 32)
    of_job = job_manifest(target)
    (place / "config").mkdir(parents=True)
    (place / "config" / "modelstream.yaml").write_text(json.dumps(of_job))
    (place / "config" / "flink.yaml").write_text(json.dumps(flink_options(target)))
    (place / "flink-conf").mkdir()
    shutil.copytree(models.picky(), place / "models" / "picky")
    (place / "termination-log").touch()


@pytest.mark.parametrize("name", ["pipeline", "sql", "program", "jars"])
def test_what_can_be_built_is_proven(name: str, proofs: dict[str, Proof]) -> None:
    assert proofs[name] == Proof(0, "")


def test_a_program_runs_up_to_where_it_would_submit_its_job(
    root: Path, proofs: dict[str, Proof]
) -> None:
    assert proofs["program"].code == 0
    assert sorted(path.name for path in root.glob("out*")) == ["out.before"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("column", ("SignatureMismatch: ", "STRING"), id="column"),
        pytest.param("table", ("JobNotBuilt: sql.statements", "nowhere"), id="table"),
        pytest.param("types", ("JobNotBuilt: ", "roots"), id="types-of-the-sink"),
        pytest.param("error", ("Traceback", "bad.py", "ValueError: no luck"), id="program"),
        pytest.param("nothing", ("JobNotBuilt: ", "submitted no job"), id="no-job"),
        pytest.param("import", ("imports", "no_such_package"), id="import"),
    ],
)
def test_what_cannot_be_built_ends_the_container_with_the_cause(
    name: str, words: tuple[str, ...], proofs: dict[str, Proof]
) -> None:
    assert proofs[name].code == 1
    for each in words:
        assert each in proofs[name].message
