"""Windows, joins and patterns over what a model gives, in one job of worker processes."""

import json
from pathlib import Path

import pytest
from tests.support import models
from tests.support.flink import HUNG_UP, environment, in_processes, rows, run, table

from modelstream.flink.sql import register
from modelstream.models import SavedModel

pytestmark = [pytest.mark.flink, HUNG_UP]

# The root of x is 1, 2, 9, 3, 5 at the seconds 1, 2, 3, 11, 12; then comes one that has none.
READINGS = [(1, 1.0), (2, 4.0), (3, 81.0), (11, 9.0), (12, 25.0), (13, -1.0)]
WINDOWS = """
    SELECT SUM(root) AS total, COUNT(*) AS records
    FROM TABLE(TUMBLE(TABLE scored, DESCRIPTOR(moment), INTERVAL '10' SECOND))
    GROUP BY window_start, window_end
"""
JOINED = """
    SELECT scored.id, limits.name
    FROM scored JOIN limits ON scored.root >= limits.minimum AND MOD(scored.id, 2) = limits.parity
"""
JUMPS = """
    SELECT low, high FROM scored MATCH_RECOGNIZE (
        ORDER BY moment
        MEASURES LOW.root AS low, HIGH.root AS high
        ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW
        PATTERN (LOW HIGH) WITHIN INTERVAL '5' SECOND
        DEFINE LOW AS LOW.root < 4, HIGH AS HIGH.root > LOW.root + 1
    )
"""


def test_windows_joins_and_patterns_read_what_a_model_gives(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    in_processes(monkeypatch)
    t_env = environment()
    register(t_env, "root", SavedModel(models.picky()))
    readings = tmp_path / "readings"
    readings.mkdir()
    lines = [json.dumps({"id": second, "x": x}) for second, x in READINGS]
    (readings / "rows.json").write_text("\n".join(lines))
    t_env.execute_sql(
        "CREATE TEMPORARY TABLE readings (id BIGINT, x FLOAT, "
        "moment AS TO_TIMESTAMP_LTZ(id * 1000, 3), WATERMARK FOR moment AS moment) WITH ("
        f"'connector' = 'filesystem', 'format' = 'json', 'path' = '{readings}')"
    )
    limits = [("even", 0, 1.5), ("odd", 1, 4.0)]
    t_env.create_temporary_view(
        "limits", table(t_env, "name STRING, parity BIGINT, minimum FLOAT", limits)
    )
    t_env.execute_sql(
        "CREATE TEMPORARY VIEW scored AS SELECT id, moment, answer.root AS root FROM "
        "(SELECT id, moment, root(x) AS answer FROM readings) WHERE answer.error IS NULL"
    )
    queries = {"windows": WINDOWS, "joined": JOINED, "jumps": JUMPS}
    run(t_env, {name: t_env.sql_query(query) for name, query in queries.items()}, tmp_path)
    assert sorted(rows(tmp_path / "windows"), key=lambda row: -row["records"]) == [
        {"total": 12.0, "records": 3},
        {"total": 8.0, "records": 2},
    ]
    joined = {(row["id"], row["name"]) for row in rows(tmp_path / "joined")}
    assert joined == {(2, "even"), (12, "even"), (3, "odd")}
    jumps = rows(tmp_path / "jumps")
    assert jumps == [{"low": 2.0, "high": 9.0}, {"low": 3.0, "high": 5.0}]
