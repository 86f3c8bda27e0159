"""Sequences on a real Flink, held against MATCH_RECOGNIZE on the same events."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.flink import environment, rows, run

from modelstream.patterns import AfterMatch, Sequence

pytestmark = pytest.mark.flink

KEYS, EVENTS = 80, 25
DELAY = 5
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
# A watermark behind each event, and not one now and then: so time passes in small steps.
OFTEN = {"pipeline.auto-watermark-interval": "0 ms", "table.local-time-zone": "UTC"}
PAST_LAST, TO_NEXT = AfterMatch.SKIP_PAST_LAST_EVENT, AfterMatch.SKIP_TO_NEXT_EVENT


def label(expected: str) -> Callable[[Any], bool]:
    return lambda event: event["label"] == expected


@dataclass(frozen=True)
class Case:
    """A sequence, and the same in SQL: its PATTERN and the DEFINEs for what stands between."""

    sequence: Sequence
    pattern: str
    between: str = ""

    @property
    def names(self) -> list[str]:
        return [step.name for step in self.sequence.steps]

    def query(self) -> str:
        measures = ", ".join(f"{name}.n AS {name}" for name in self.names)
        defines = ", ".join(f"{name} AS {name}.label = '{name[0]}'" for name in self.names)
        within = ""
        if self.sequence.limit is not None:
            within = f"WITHIN INTERVAL '{self.sequence.limit // 1000}' SECOND"
        return (
            "SELECT * FROM events MATCH_RECOGNIZE (PARTITION BY k ORDER BY ts, n "
            f"MEASURES {measures} ONE ROW PER MATCH "
            f"AFTER MATCH {self.sequence.after_match.value.upper()} "
            f"PATTERN ({self.pattern}) {within} DEFINE {defines}{self.between})"
        )


def cases() -> dict[str, Case]:
    found = {}
    for skip in (PAST_LAST, TO_NEXT):
        a = Sequence("a", label("a"), after_match=skip)
        within = timedelta(seconds=10)
        relaxed = a.followed_by("b", label("b")).followed_by("c", label("c"))
        strict = a.next("b", label("b")).next("c", label("c"))
        mixed = a.followed_by("b", label("b")).next("c", label("c"))
        again = a.followed_by("b", label("b")).followed_by("a2", label("a"))
        x, y = ", x AS x.label <> 'b'", ", y AS y.label <> '{}'"
        found |= {
            f"relaxed_{skip.name}": Case(
                relaxed.within(within), "a x*? b y*? c", x + y.format("c")
            ),
            f"strict_{skip.name}": Case(strict.within(within), "a b c"),
            f"mixed_{skip.name}": Case(mixed.within(within), "a x*? b c", x),
            f"again_{skip.name}": Case(again.within(within), "a x*? b y*? a2", x + y.format("a")),
            f"one_{skip.name}": Case(a.within(within), "a"),
        }
    found["endless"] = Case(strict_endless(), "a x*? b c", ", x AS x.label <> 'b'")
    return found


def strict_endless() -> Sequence:
    return Sequence("a", label("a")).followed_by("b", label("b")).next("c", label("c"))


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
    return [{**event, "n": n} for n, event in enumerate(made)]


def source(t_env: Any, directory: Path, made: list[dict[str, Any]]) -> Any:
    directory.mkdir()
    with (directory / "events.json").open("w") as file:
        for event in made:
            moment = EPOCH + timedelta(seconds=event["second"])
            row = {**event, "ts": f"{moment:%Y-%m-%d %H:%M:%S}"}
            file.write(json.dumps(row) + "\n")
    t_env.execute_sql(
        "CREATE TEMPORARY TABLE events (k INT, n INT, label STRING, ts TIMESTAMP(3), "
        f"WATERMARK FOR ts AS ts - INTERVAL '{DELAY}' SECOND) WITH ('connector' = 'filesystem', "
        f"'format' = 'json', 'path' = '{directory}')"
    )
    return t_env.to_data_stream(t_env.from_path("events"))


def as_table(t_env: Any, matched: Any, names: list[str]) -> Any:
    from pyflink.common import Row, Types

    def row(match: Any) -> Any:
        return Row(match.events[names[0]]["k"], *(match.events[name]["n"] for name in names))

    kind = Types.ROW_NAMED(["k", *names], [Types.INT()] * (1 + len(names)))
    return t_env.from_data_stream(matched.map(row, output_type=kind))


def test_the_matches_are_those_of_match_recognize(tmp_path: Path) -> None:
    t_env = environment(OFTEN)
    keyed = source(t_env, tmp_path / "in", events(1)).key_by(lambda event: event["k"])
    tables = {}
    for name, case in cases().items():
        tables[name] = as_table(t_env, case.sequence.on(keyed).matched, case.names)
        tables[f"{name}_sql"] = t_env.sql_query(case.query())
    run(t_env, tables, tmp_path / "out")
    for name in cases():
        found, expected = (
            sorted(tuple(row.items()) for row in rows(tmp_path / "out" / each))
            for each in (name, f"{name}_sql")
        )
        print(name, len(found), len(expected))
        assert found == expected, name
        assert len(found) > 20, name
