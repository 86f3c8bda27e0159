import pytest
from tests.integration.cli.conftest import MANIFEST, Workplace

pytestmark = pytest.mark.flink

SQL = """\
  sql:
    statements: |
      CREATE TABLE t (id BIGINT, x FLOAT) WITH ('connector' = 'datagen');
      CREATE TABLE o (y FLOAT) WITH ('connector' = 'filesystem', 'format' = 'json', 'path' = 'out');
      INSERT INTO o SELECT picky(x).root FROM t;
"""


def test_flink_is_asked_what_feeds_each_call_and_starts_nothing(
    workplace: Workplace, picky: str
) -> None:
    head = MANIFEST[: MANIFEST.index("  pipeline:")]
    (workplace.directory / "job.yaml").write_text(head + SQL)
    told = workplace.modelstream("plan", "job.yaml", "--model", f"picky={picky}")
    assert told.code == 0, told.err
    assert "calls\n  line 3  picky(x ← x)\n" in told.out
    assert told.out.endswith("Flink can run this; nothing was started.\n")
    assert not (workplace.directory / "out").exists()
