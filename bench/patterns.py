"""A sequence of three events: `Sequence`, against MATCH_RECOGNIZE on the same keyed stream."""

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench import jobs
from bench.measure import Case

KEYS = 100
LABELS = "axbxcx"
"""The events of a key, again and again: each round is one match, with others between."""
ROUND = KEYS * len(LABELS)

OURS, SQL = "events: Sequence", "events: MATCH_RECOGNIZE"
PAIRS = [(OURS, SQL)]

QUERY = """
    SELECT k, first_n, last_n FROM events MATCH_RECOGNIZE (
        PARTITION BY k ORDER BY ts MEASURES a.n AS first_n, c.n AS last_n
        ONE ROW PER MATCH AFTER MATCH SKIP PAST LAST ROW
        PATTERN (a x*? b y*? c) WITHIN INTERVAL '60' SECOND
        DEFINE a AS a.label = 'a', x AS x.label <> 'b', b AS b.label = 'b',
               y AS y.label <> 'c', c AS c.label = 'c')
"""


def cases(scratch: Path) -> list[Case]:
    """Events a second; whole rounds, so that it is known how many matches there are."""
    return [
        Case(OURS, matched(sequence, scratch / "found"), 100 * ROUND, 10 * ROUND),
        Case(SQL, matched(query, scratch / "found"), 1_000 * ROUND, 100 * ROUND),
    ]


def matched(find: Callable[[Any], Any], directory: Path) -> Callable[[int], None]:
    """The matches of so many events, as lines of files that are counted."""

    def run(rows: int) -> None:
        t_env = environment(rows)
        shutil.rmtree(directory, ignore_errors=True)
        t_env.execute_sql(
            "CREATE TEMPORARY TABLE found (k INT, first_n BIGINT, last_n BIGINT) WITH "
            f"('connector' = 'filesystem', 'format' = 'csv', 'path' = '{directory}')"
        )
        find(t_env).execute_insert("found").wait()
        found = sum(len(file.read_text().splitlines()) for file in directory.glob("part-*"))
        if found != rows // ROUND * KEYS:
            raise RuntimeError(f"{found} matches in {rows} events, not {rows // ROUND * KEYS}")

    return run


def environment(rows: int) -> Any:
    """With a table of so many events, a millisecond apart, made inside the JVM."""
    t_env = jobs.environment()
    t_env.get_config().set("pipeline.operator-chaining.enabled", "true")  # as it comes
    labels = ", ".join(f"'{label}'" for label in LABELS)
    t_env.execute_sql(
        f"CREATE TEMPORARY TABLE events (n BIGINT, k AS CAST(MOD(n, {KEYS}) AS INT), "
        f"label AS ELT(CAST(MOD(n / {KEYS}, {len(LABELS)}) AS INT) + 1, {labels}), "
        "ts AS TO_TIMESTAMP_LTZ(n, 3), WATERMARK FOR ts AS ts) WITH ('connector' = 'datagen', "
        f"'rows-per-second' = '100000000', 'fields.n.kind' = 'sequence', "
        f"'fields.n.start' = '0', 'fields.n.end' = '{rows - 1}')"
    )
    return t_env


def query(t_env: Any) -> Any:
    """The matches by SQL, inside the JVM."""
    return t_env.sql_query(QUERY)


def sequence(t_env: Any) -> Any:
    """The matches by `Sequence`, whose conditions are Python."""
    from pyflink.common import Row, Types

    import modelstream as ms

    def shows(label: str) -> Callable[[Any], bool]:
        return lambda event: bool(event["label"] == label)

    def row(match: Any) -> Any:
        first, last = match.events["a"], match.events["c"]
        return Row(first["k"], first["n"], last["n"])

    abc = ms.Pattern("a", shows("a")).followed_by("b", shows("b")).followed_by("c", shows("c"))
    events = t_env.to_data_stream(t_env.from_path("events")).key_by(lambda event: event["k"])
    kind = Types.ROW_NAMED(["k", "first_n", "last_n"], [Types.INT(), Types.LONG(), Types.LONG()])
    found = ms.detect(events, abc.within(timedelta(seconds=60))).matched
    return t_env.from_data_stream(found.map(row, output_type=kind))
