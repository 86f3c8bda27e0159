import pytest

from modelstream_crds import manifest
from modelstream_crds.mounted import Mounted, claim_of, mounted, read_below, with_directories
from modelstream_crds.v1alpha1 import ModelStreamSpec

ENDS = """\
  pipeline:
    source:
      connector: filesystem
      format: json
      schema: [{name: x, type: FLOAT}]
      options: {path: /data/in, source.monitor-interval: 1s}
    inference: {model: fraud, inputs: {x: x}, onError: DeadLetter}
    sink: {connector: filesystem, format: json, options: {path: "file:///data/out/"}}
    deadLetter: {connector: filesystem, format: json, options: {path: /database}}
"""
SQL = """\
  sql:
    statements: |
      CREATE TABLE t (x FLOAT, y STRING DEFAULT '/datum') WITH ('path' = '/data/it''s');
      INSERT INTO u SELECT fraud(x) FROM t WHERE y <> 'see /data/in';
"""
PYTHON = """\
  python: {script: job.py, args: [/data, --into, /data/out]}
"""
POD = """\
apiVersion: modelstream.dev/v1alpha1
kind: ModelStream
metadata: {name: fraud}
spec:
  models: [{name: fraud, uri: "file:///models/fraud"}]
  flink:
    taskManager:
      podTemplate:
        spec:
          containers:
          - name: main
            volumeMounts:
            - {name: data, mountPath: /data/}
            - {name: data, mountPath: /data/deep, subPath: below}
            - {name: scratch, mountPath: /scratch}
          volumes:
          - {name: data, persistentVolumeClaim: {claimName: payments}}
          - {name: scratch, emptyDir: {}}
"""


def spec(program: str) -> ModelStreamSpec:
    return manifest.load(POD + program).spec


def test_claims_are_told_with_where_pods_see_them() -> None:
    assert mounted(spec(ENDS)) == (
        Mounted("/data/deep", "payments", "below"),
        Mounted("/data", "payments"),
    )


def test_paths_of_a_pipeline_are_those_of_the_directory() -> None:
    found, used = with_directories(spec(ENDS), {"payments": "/srv/p"})
    assert found.pipeline is not None
    assert found.pipeline.dead_letter is not None
    assert found.pipeline.source.options["path"] == "/srv/p/in"
    assert found.pipeline.sink.options["path"] == "file:/srv/p/out/"
    assert found.pipeline.dead_letter.options["path"] == "/database"
    assert used == {"payments"}


def test_paths_in_sql_are_whole_texts_and_keep_their_quotes() -> None:
    found, _ = with_directories(spec(SQL), {"payments": "/srv/o'hara"})
    assert found.sql is not None
    assert "'path' = '/srv/o''hara/it''s'" in found.sql.statements
    assert "DEFAULT '/datum'" in found.sql.statements
    assert "'see /data/in'" in found.sql.statements


def test_arguments_of_a_program_are_placed() -> None:
    found, _ = with_directories(spec(PYTHON), {"payments": "/srv/p"})
    assert found.python is not None
    assert found.python.args == ("/srv/p", "--into", "/srv/p/out")


@pytest.mark.parametrize("directories", [{}, {"other": "/srv"}])
def test_what_no_path_is_below_changes_nothing(directories: dict[str, str]) -> None:
    before = spec(ENDS)
    assert with_directories(before, directories) == (before, frozenset())


@pytest.mark.parametrize(
    ("path", "claim"),
    [("/data", "payments"), ("file:/data/x", "payments"), ("/database", None), ("data", None)],
)
def test_a_path_has_the_claim_that_it_is_below(path: str, claim: str | None) -> None:
    assert claim_of(path, spec(ENDS)) == claim


def test_the_part_of_a_claim_that_is_mounted_is_a_directory_of_it() -> None:
    text = ENDS.replace("/data/in", "/data/deep/in")
    found, _ = with_directories(spec(text), {"payments": "/srv"})
    assert found.pipeline is not None
    assert found.pipeline.source.options["path"] == "/srv/below/in"


@pytest.mark.parametrize("program", [SQL, PYTHON])
def test_a_claim_that_a_program_reads_below_is_told(program: str) -> None:
    assert {each.claim for each in read_below(spec(program))} == {"payments"}
    assert read_below(spec(program.replace("/data", "/other"))) == ()
