from pathlib import Path
from typing import Any

import pytest
from tests.support import models
from tests.support.jobs import built, model, rows, run

from modelstream import embedded
from modelstream.errors import JobError, ModelStreamError, OptionError, SignatureMismatchError
from modelstream.flink.environment import SHARED_PLAN
from modelstream.job import calls, failures
from modelstream.models import Predict, SavedModel

pytestmark = pytest.mark.flink


def sql(statements: str, **spec: Any) -> dict[str, Any]:
    return {"models": [model("picky")], "sql": {"statements": statements}, **spec}


def source(path: Path, rows_of_it: str) -> str:
    path.mkdir()
    (path / "part").write_text(rows_of_it)
    return (
        f"CREATE TABLE numbers (id INT, x FLOAT) WITH ('connector' = 'filesystem', "
        f"'path' = '{path}', 'format' = 'csv');"
    )


def sink(name: str, path: Path, columns: str) -> str:
    return (
        f"CREATE TABLE {name} ({columns}) WITH ('connector' = 'filesystem', "
        f"'path' = '{path}', 'format' = 'json');"
    )


def test_sql_calls_each_model_as_a_function_and_runs_all_inserts_as_one_job(
    tmp_path: Path, picky: dict[str, Path]
) -> None:
    script = (
        source(tmp_path / "in", "1,4\n2,-4\n3,9\n")
        + "-- a comment; with a semicolon\n"
        + sink("scored", tmp_path / "scored", "id INT, y FLOAT, note STRING")
        + sink("counted", tmp_path / "counted", "n BIGINT")
        + "CREATE TEMPORARY VIEW roots AS SELECT id, picky(x) AS r FROM numbers;\n"
        + "INSERT INTO scored SELECT id, r.root, 'a;b' FROM roots;\n"
        + "INSERT INTO counted SELECT COUNT(*) FROM roots WHERE r.error IS NOT NULL;"
    )
    before = embedded.total()
    run(sql(script, flink={"runtimeMode": "Batch"}), picky)
    assert (embedded.total() - before).records == 3, "once for both"
    found = {row["id"]: (row.get("y"), row["note"]) for row in rows(tmp_path / "scored")}
    assert found == {1: (2.0, "a;b"), 2: (None, "a;b"), 3: (3.0, "a;b")}
    assert rows(tmp_path / "counted") == [{"n": 1}]


@pytest.mark.parametrize(
    ("statement", "configuration", "shared"),
    [
        pytest.param("", {}, "true", id="once for both"),
        pytest.param(f"SET '{SHARED_PLAN}' = 'false';", {}, "false", id="the script says no"),
        pytest.param("", {SHARED_PLAN: False}, "false", id="the manifest says no"),
    ],
)
def test_whether_inserts_share_the_model_can_be_said(
    tmp_path: Path,
    picky: dict[str, Path],
    statement: str,
    configuration: dict[str, Any],
    shared: str,
) -> None:
    script = (
        statement
        + source(tmp_path / "in", "")
        + sink("scored", tmp_path / "out", "y FLOAT")
        + "INSERT INTO scored SELECT picky(x).root FROM numbers;"
    )
    job = built(sql(script, flink={"configuration": configuration}), picky)
    assert job.t_env.get_config().get(SHARED_PLAN, "") == shared


def test_an_error_in_sql_names_the_statement_without_a_java_trace(
    tmp_path: Path, picky: dict[str, Path]
) -> None:
    script = source(tmp_path / "in", "") + "\nINSERT INTO nowhere SELECT id FROM numbers"
    with pytest.raises(JobError) as error:
        built(sql(script), picky)
    message = str(error.value)
    assert message.startswith("sql.statements, statement 2 (line 2: INSERT INTO nowhere")
    assert "nowhere" in message.split("):", 1)[1]
    assert "\tat " not in message
    assert "at org.apache" not in failures.detail(error.value) or len(message) < 500


@pytest.mark.parametrize(
    ("query", "message"),
    [
        pytest.param(
            "SELECT picky(name).root FROM people",
            r"picky: argument 1 \(STRING\) cannot feed input 'x' \(float32\[\?\]\)",
            id="type",
        ),
        pytest.param(
            "SELECT y FROM (SELECT id, picky(many).root AS y FROM people) WHERE id > 1",
            r"ARRAY<FLOAT>.*it is an array of rank 1 per record, the tensor takes a scalar",
            id="rank-in-a-subquery",
        ),
        pytest.param(
            "SELECT x FROM people WHERE CASE WHEN id > 1 THEN picky(id, x).root ELSE x END > 0",
            r"picky: it is called with 2 arguments, and takes 1 inputs: x float32\[\?\]",
            id="too-many-in-a-condition",
        ),
        pytest.param(
            "SELECT x FROM people WHERE EXISTS (SELECT 1 FROM people p WHERE picky().root > 0)",
            r"called with 0 arguments",
            id="none-in-exists",
        ),
        pytest.param(
            "SELECT picky(CAST(2 AS FLOAT)).root FROM people",
            r"constants, and Flink starts no function .* Write picky\(CAST\(ROW\(`x`\) AS ",
            id="constants-only",
        ),
        pytest.param(
            "SELECT picky(MAP['x', x]).root FROM people",
            r"called with a MAP, of which Flink hands over the first batch alone",
            id="map",
        ),
        pytest.param("SELECT y FROM named", r"picky: argument 1 \(STRING\)", id="behind-a-view"),
    ],
)
def test_the_arguments_of_a_model_in_sql_are_held_against_its_signature(
    query: str, message: str, picky: dict[str, Path]
) -> None:
    script = (
        "CREATE TABLE people (id INT, x FLOAT, name STRING, many ARRAY<FLOAT>) "
        "WITH ('connector' = 'datagen');"
        "CREATE TABLE nowhere (y FLOAT) WITH ('connector' = 'blackhole');"
        "CREATE TEMPORARY VIEW named AS SELECT picky(name).root AS y FROM people;"
        f"INSERT INTO nowhere {query}"
    )
    with pytest.raises(SignatureMismatchError, match=rf"statement 4 .*{message}"):
        built(sql(script), picky)


QUERY = """
    SELECT diff(a, b).d AS columns_, diff(a, 0.5).d AS constant_,
        diff(CAST(ROW(7, 2) AS ROW<a FLOAT, b FLOAT>)).d AS constants_,
        diff(CAST(ROW(1.5, x) AS ROW<b FLOAT, a FLOAT>)).d AS row_
    FROM (SELECT x AS a, id AS b, x FROM numbers)
"""


def test_several_inputs_are_fed_by_name_and_what_feeds_them_is_told(tmp_path: Path) -> None:
    columns = "columns_ FLOAT, constant_ FLOAT, constants_ FLOAT, row_ FLOAT"
    statements = (
        source(tmp_path / "in", "1,4\n2,9\n")
        + sink("scored", tmp_path / "out", columns)
        + f"INSERT INTO scored {QUERY}"
    )
    spec = {"models": [model("diff")], "sql": {"statements": statements, "onError": "Fail"}}
    job = run(spec, {"diff": models.difference()})
    names = [column.split()[0] for column in columns.split(", ")]
    expected = [[3.0, 3.5, 5.0, 2.5], [7.0, 8.5, 5.0, 7.5]]
    assert rows(tmp_path / "out") == [dict(zip(names, each, strict=True)) for each in expected]
    bound = Predict().bind(SavedModel(models.difference()))
    insert = f"INSERT INTO scored {QUERY}"
    told = [str(each) for _, each in calls.bindings(job.t_env, insert, {"diff": bound})]
    assert told == [
        "a ← a, b ← b",
        "a ← a, b ← argument 2",
        "a ← the field a, b ← the field b",
        "a ← the field a, b ← the field b",
    ]


@pytest.mark.parametrize(
    "query",
    [
        pytest.param("SELECT diff(x, y).d FROM pairs", id="names of no input"),
        pytest.param("SELECT diff(b, a).d FROM (SELECT x AS a, y AS b FROM pairs)", id="swapped"),
        pytest.param("SELECT diff(x, x + 1).d FROM pairs", id="an expression"),
    ],
)
def test_inputs_are_never_fed_in_the_order_of_their_names_in_silence(query: str) -> None:
    script = (
        "CREATE TABLE pairs (x FLOAT, y FLOAT) WITH ('connector' = 'datagen');"
        "CREATE TABLE nowhere (y FLOAT) WITH ('connector' = 'blackhole');"
        f"INSERT INTO nowhere {query}"
    )
    spec = {"models": [model("diff")], "sql": {"statements": script}}
    with pytest.raises(
        SignatureMismatchError, match=r"Write diff\(CAST\(ROW\(`\w`, `\w`\) AS ROW<"
    ):
        built(spec, {"diff": models.difference()})


PROGRAM = """\
import sys
import modelstream as ms
from pyflink.table import EnvironmentSettings, TableEnvironment

source, target = sys.argv[1:]
t_env = TableEnvironment.create(EnvironmentSettings.in_batch_mode())
assert t_env.get_config().get("parallelism.default", "") == "3"
t_env.execute_sql("CREATE TABLE numbers (id INT, x FLOAT) WITH ('connector' = 'filesystem', "
                  f"'path' = '{source}', 'format' = 'csv')")
t_env.execute_sql("CREATE TABLE scored (id INT, root FLOAT) WITH ('connector' = 'filesystem', "
                  f"'path' = '{target}', 'format' = 'json')")
scored = ms.infer(t_env.from_path("numbers"), ms.model("picky"), inputs={"x": "x"}, keep=["id"])
scored.scored.execute_insert("scored").wait()
"""


def test_a_python_program_finds_its_models_arguments_and_options(
    tmp_path: Path, picky: dict[str, Path]
) -> None:
    source(tmp_path / "in", "1,4\n3,9\n")
    (tmp_path / "job.py").write_text(PROGRAM)
    arguments = [str(tmp_path / "in"), str(tmp_path / "scored")]
    spec = {
        "models": [model("picky")],
        "python": {"script": "job.py", "args": arguments},
        "flink": {"parallelism": 3},
    }
    run(spec, picky, base=tmp_path, parallelism=None)
    found = sorted((row["id"], row["root"]) for row in rows(tmp_path / "scored"))
    assert found == [(1, 2.0), (3, 3.0)]


def test_a_program_that_is_not_there_is_named(tmp_path: Path, picky: dict[str, Path]) -> None:
    spec = {"models": [model("picky")], "python": {"script": "none.py"}}
    with pytest.raises(JobError, match=r"python.script: there is no file .*none.py"):
        run(spec, picky, base=tmp_path)


def pipeline(**changes: Any) -> dict[str, Any]:
    source = {
        "connector": "datagen",
        "schema": [{"name": "x", "type": "FLOAT"}],
        "options": {"number-of-rows": 1},
        **changes.pop("source", {}),
    }
    sink = {"connector": "blackhole", **changes.pop("sink", {})}
    inference = {"model": "picky", **changes.pop("inference", {})}
    return {
        "models": [model("picky")],
        "pipeline": {"source": source, "inference": inference, "sink": sink},
        **changes,
    }


KAFKA = {"properties.bootstrap.servers": "localhost:1", "topic": "t"}


@pytest.mark.parametrize(
    ("spec", "expected", "message"),
    [
        pytest.param(
            pipeline(sink={"connector": "pulsar"}),
            ModelStreamError,
            r"pipeline.sink.connector: 'pulsar' .*pipeline.jars",
            id="connector",
        ),
        pytest.param(
            pipeline(source={"connector": "datagen", "options": {"rows-per-secund": 1}}),
            JobError,
            r"(?s)Unsupported options found for 'datagen'.*rows-per-secund",
            id="option",
        ),
        pytest.param(
            pipeline(sink={"secretOptions": {"password": {"name": "db", "key": "pw"}}}),
            JobError,
            r"pipeline.sink.secretOptions.password: the Secret db .* --secret db/pw=FILE",
            id="secret",
        ),
        pytest.param(
            pipeline(
                source={"connector": "kafka", "format": "json"}
                | {"options": {**KAFKA, "json.odd": 1}},
                inference={"onError": "Drop"},
            ),
            OptionError,
            r"json.odd cannot be honoured",
            id="format-option",
        ),
        pytest.param(
            pipeline(source={"schema": [{"name": "x", "type": "STRING"}]}),
            SignatureMismatchError,
            r"(?s)x.*STRING",
            id="column-type",
        ),
        pytest.param(
            pipeline(state={"storage": "pvc://claim/x"}),
            JobError,
            r"'claim' exists only in a cluster: .* --mount claim=DIR",
            id="claim",
        ),
    ],
)
def test_what_cannot_work_is_one_message_before_anything_runs(
    spec: dict[str, Any],
    expected: type[Exception],
    message: str,
    picky: dict[str, Path],
    tmp_path: Path,
) -> None:
    with pytest.raises(expected, match=message):
        built(spec, picky, secret=lambda name, key: tmp_path / name / key).submit()


def test_a_job_that_fails_says_the_python_cause_and_keeps_the_trace(
    tmp_path: Path, picky: dict[str, Path]
) -> None:
    statements = (
        source(tmp_path / "in", "1,-4\n")
        + sink("scored", tmp_path / "out", "y FLOAT")
        + "INSERT INTO scored SELECT picky(x).root FROM numbers"
    )
    spec = sql(statements)
    spec["sql"]["onError"] = "Fail"
    with pytest.raises(JobError) as error:
        run(spec, picky)
    assert "x is negative" in str(error.value)
    assert "\tat " not in str(error.value)
    assert "Traceback" in failures.detail(error.value)
