"""Sequences on a real Flink, held against MATCH_RECOGNIZE on the same events."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.feed import Feed, checkpointed, drained
from tests.support.flink import (
    HUNG_UP,
    environment,
    into_files,
    rows,
    run,
    table,
    until,
)

from modelstream.flink.chains import CHAINING
from modelstream.patterns import AfterMatch, Pattern, detect

pytestmark = [pytest.mark.flink, HUNG_UP]

KEYS, EVENTS = 80, 25
DELAY = 5
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
# A watermark behind each event, and not one now and then: so time passes in small steps.
OFTEN = {"pipeline.auto-watermark-interval": "0 ms", "table.local-time-zone": "UTC"}
RECOVERY = {
    "execution.checkpointing.interval": "100 ms",
    "restart-strategy.type": "fixed-delay",
    "restart-strategy.fixed-delay.attempts": "3",
    "restart-strategy.fixed-delay.delay": "0 s",
}
PAST_LAST, TO_NEXT = AfterMatch.SKIP_PAST_LAST_EVENT, AfterMatch.SKIP_TO_NEXT_EVENT


def label(expected: str) -> Callable[[Any], bool]:
    return lambda event: event["label"] == expected


@dataclass(frozen=True)
class Case:
    """A pattern, and the same in SQL: its PATTERN and the DEFINEs for what stands between."""

    pattern: Pattern
    sql: str
    between: str = ""

    @property
    def names(self) -> list[str]:
        return [element.name for element in self.pattern.elements]

    def query(self) -> str:
        measures = ", ".join(f"{name}.n AS {name}" for name in self.names)
        defines = ", ".join(f"{name} AS {name}.label = '{name[0]}'" for name in self.names)
        within = ""
        if self.pattern.limit is not None:
            within = f"WITHIN INTERVAL '{self.pattern.limit // 1000}' SECOND"
        return (
            "SELECT * FROM events MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts, n "
            f"MEASURES {measures} ONE ROW PER MATCH "
            f"AFTER MATCH {self.pattern.after_match.value.upper()} "
            f"PATTERN ({self.sql}) {within} DEFINE {defines}{self.between})"
        )


def cases() -> dict[str, Case]:
    """Patterns that differ in more than WITHIN: of two that do not, Flink's planner runs one."""
    first = {skip: Pattern("a", label("a"), after_match=skip) for skip in AfterMatch}
    b, c, a2 = ("b", label("b")), ("c", label("c")), ("a2", label("a"))
    x, y, z = (f", {name} AS {name}.label <> '{no}'" for name, no in ("xb", "yc", "za"))
    soon = timedelta(seconds=10)
    relaxed, again = "a x*? b y*? c", "a x*? b z*? a2"
    return {
        "relaxed": Case(
            first[PAST_LAST].followed_by(*b).followed_by(*c).within(soon), relaxed, x + y
        ),
        "overlapping": Case(
            first[TO_NEXT].followed_by(*b).followed_by(*c).within(soon), relaxed, x + y
        ),
        "strict": Case(first[PAST_LAST].next(*b).next(*c).within(soon), "a b c"),
        "mixed": Case(first[TO_NEXT].followed_by(*b).next(*c).within(soon), "a x*? b c", x),
        "again": Case(first[TO_NEXT].followed_by(*b).followed_by(*a2).within(soon), again, x + z),
        "endless": Case(first[PAST_LAST].next(*b).followed_by(*c), "a b y*? c", y),
    }


def events(seed: int) -> list[dict[str, Any]]:
    """Events of many keys: in seconds, some at the same time, and not in the order of time."""
    rng = random.Random(seed)
    made = []
    for key in range(KEYS):
        second = rng.randrange(20)
        letters = rng.choice(["abc", "abcx", "aabbc", "abcxxxx"])
        for _ in range(EVENTS):
            second += rng.choice([0, 1, 1, 2, 3, 5, 9])
            made.append({"k": key, "label": rng.choice(letters), "second": second})
    made.sort(key=lambda event: event["second"] + rng.uniform(0, DELAY - 0.1))
    return made


def source(t_env: Any, directory: Path, made: list[dict[str, Any]]) -> Any:
    """The events as a keyed stream, and as the view ``events``, in the order in which they are."""
    directory.mkdir()
    with (directory / "events.json").open("w") as file:
        for n, event in enumerate(made):
            moment = EPOCH + timedelta(seconds=event["second"])
            row = {**event, "n": n, "ts": f"{moment:%Y-%m-%d %H:%M:%S}"}
            file.write(json.dumps(row) + "\n")
    t_env.execute_sql(
        "CREATE TEMPORARY TABLE events (k INT, n INT, label STRING, ts TIMESTAMP(3), "
        f"WATERMARK FOR ts AS ts - INTERVAL '{DELAY}' SECOND) WITH ('connector' = 'filesystem', "
        f"'format' = 'json', 'path' = '{directory}')"
    )
    return keyed(t_env, "events")


def keyed(t_env: Any, table: str) -> Any:
    return t_env.to_data_stream(t_env.from_path(table)).key_by(lambda event: event["k"])


def as_table(t_env: Any, found: Any, names: list[str]) -> Any:
    """Key, and number of each named event; null for one that did not come."""
    from pyflink.common import Row, Types

    def row(each: Any) -> Any:
        numbers = [each.events[name]["n"] if name in each.events else None for name in names]
        return Row(each.events[names[0]]["k"], *numbers, each.end)

    kinds = [Types.INT()] * (1 + len(names)) + [Types.LONG()]
    kind = Types.ROW_NAMED(["k", *names, "end"], kinds)
    return t_env.from_data_stream(found.map(row, output_type=kind))


def late_table(t_env: Any, late: Any) -> Any:
    from pyflink.common import Row, Types

    kind = Types.ROW_NAMED(["k", "n"], [Types.INT(), Types.INT()])
    numbers = late.map(lambda event: Row(event["k"], event["n"]), output_type=kind)
    return t_env.from_data_stream(numbers)


def abc() -> Pattern:
    first = Pattern("a", label("a"))
    return first.followed_by("b", label("b")).followed_by("c", label("c"))


def test_the_matches_are_those_of_match_recognize(tmp_path: Path) -> None:
    t_env = environment(OFTEN)
    stream = source(t_env, tmp_path / "in", events(1))
    tables = {}
    for name, case in cases().items():
        found = as_table(t_env, detect(stream, case.pattern, name=name).matched, case.names)
        tables[name] = found.drop_columns(col("end"))
        tables[f"{name}_sql"] = t_env.sql_query(case.query())
    run(t_env, tables, tmp_path / "out")
    for name in cases():
        found, expected = (
            sorted(tuple(row.items()) for row in rows(tmp_path / "out" / each))
            for each in (name, f"{name}_sql")
        )
        assert found == expected, name
        assert len(found) > 20, name


def col(name: str) -> Any:
    from pyflink.table import expressions

    return expressions.col(name)


def second(number: int) -> int:
    return int((EPOCH + timedelta(seconds=number)).timestamp() * 1000)


def test_events_are_sorted_attempts_time_out_and_late_events_are_told_apart(tmp_path: Path) -> None:
    # One event a bundle: each meets the watermark of those before it.
    t_env = environment({**OFTEN, "python.fn-execution.bundle.size": "1"})
    given = [
        (1, "a", 0),
        (1, "c", 6),
        (1, "b", 3),  # in time: the watermark is at 1
        (2, "a", 10),
        (2, "b", 14),
        (3, "a", 20),
        (1, "b", 15),  # late: the watermark is there already
        (2, "c", 20),  # in time, but the attempt has ended
        (1, "a", 16),
        (3, "b", 29),
        (3, "c", 31),  # too late for the attempt that began at 20
    ]
    named = [dict(zip(("k", "label", "second"), event, strict=True)) for event in given]
    stream = source(t_env, tmp_path / "in", named)
    detected = detect(stream, abc().within(timedelta(seconds=10)))
    tables = {
        "matched": as_table(t_env, detected.matched, ["a", "b", "c"]),
        "timed_out": as_table(t_env, detected.timed_out, ["a", "b"]),
        "late": late_table(t_env, detected.late),
    }
    run(t_env, tables, tmp_path / "out")
    found = {name: rows(tmp_path / "out" / name) for name in tables}
    assert found["matched"] == [{"k": 1, "a": 0, "b": 2, "c": 1, "end": second(6)}]
    assert found["timed_out"] == [
        {"k": 2, "a": 3, "b": 4, "end": second(20)},
        {"k": 1, "a": 8, "b": None, "end": second(26)},
        {"k": 3, "a": 5, "b": 9, "end": second(30)},
    ]
    assert found["late"] == [{"k": 1, "n": 6}]


def test_a_stream_without_event_time_is_refused(tmp_path: Path) -> None:
    t_env = environment()
    given = table(t_env, "k INT, label STRING", [(1, "a")])
    t_env.create_temporary_view("timeless", given)
    matched = detect(keyed(t_env, "timeless"), abc()).matched
    with pytest.raises(Exception, match="a pattern needs event time, and this stream has none"):
        run(t_env, {"matched": as_table(t_env, matched, ["a"])}, tmp_path / "out")


@dataclass(frozen=True)
class FailsOnce:
    """Fails at the event 1500; leaves files that tell how far the job is and where it goes on."""

    directory: Path

    def __call__(self, event: Any) -> Any:
        failed, resumed = self.directory / "failed", self.directory / "resumed"
        if failed.exists() and not resumed.exists():
            resumed.write_text(str(event["n"]))
        if event["n"] == 1500 and not failed.exists():
            failed.touch()
            raise SystemError("the injected failure")
        if event["n"] in (1000, 2400):
            (self.directory / f"passed-{event['n']}").touch()
        return event


def test_an_attempt_goes_on_after_a_failure_from_the_checkpoint(tmp_path: Path) -> None:
    checkpoints, feed = tmp_path / "checkpoints", Feed(tmp_path / "in")
    state = {"execution.checkpointing.dir": checkpoints.as_uri()}
    t_env = environment({**RECOVERY, **state, CHAINING: "false"})
    # Ten keys, an event of each in turn: a at 200, b at 500, c at 2100 for the even ones.
    t_env.execute_sql(
        "CREATE TEMPORARY TABLE counted (n INT, k AS MOD(n, 10), ts AS TO_TIMESTAMP_LTZ(n, 3), "
        "label AS CASE n / 10 WHEN 20 THEN 'a' WHEN 50 THEN 'b' "
        "WHEN 210 THEN IF(MOD(n, 2) = 0, 'c', 'x') ELSE 'x' END, WATERMARK FOR ts AS ts) "
        f"WITH {feed.options()}"
    )
    stream = t_env.to_data_stream(t_env.from_path("counted"))
    failing = stream.map(FailsOnce(tmp_path), output_type=stream.get_type())
    limit = timedelta(seconds=2)
    detected = detect(failing.key_by(lambda event: event["k"]), abc().within(limit))
    tables = {
        "matched": as_table(t_env, detected.matched, ["a", "b", "c"]),
        "timed_out": as_table(t_env, detected.timed_out, ["a", "b"]),
    }
    inserts = t_env.create_statement_set()
    for name, given in tables.items():
        into_files(inserts, given, tmp_path / "out" / name)
    feed.give(range(1, 1001))
    client = inserts.execute().get_job_client()
    until((tmp_path / "passed-1000").exists)
    checkpointed(checkpoints)
    feed.give(range(1001, 2401))
    until((tmp_path / "passed-2400").exists)
    drained(client, checkpoints)
    resumed = int((tmp_path / "resumed").read_text())
    assert 1001 <= resumed <= 1500, "the attempts were under way, and came from the checkpoint"
    found = {name: rows(tmp_path / "out" / name) for name in tables}
    assert sorted(row["k"] for row in found["matched"]) == [0, 2, 4, 6, 8]
    assert sorted(row["k"] for row in found["timed_out"]) == [1, 3, 5, 7, 9]
    assert all(row["c"] == row["end"] == row["a"] + 1900 for row in found["matched"])
    assert all(row["end"] == row["a"] + 2000 for row in found["timed_out"])
