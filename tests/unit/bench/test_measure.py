import pytest
from bench import measure
from bench.measure import Case, Rates, interleave, limits, ratio_table, ratios


def test_every_case_runs_once_before_any_runs_again(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[tuple[str, int]] = []

    def seconds(run: object, rows: int) -> float:
        run(rows)  # type: ignore[operator]  # a case's function
        return rows / 1000

    monkeypatch.setattr(measure, "seconds", seconds)
    cases = [
        Case(name, lambda rows, name=name: runs.append((name, rows)), rows=10, warm_rows=1)
        for name in ("a", "b")
    ]
    results = interleave(cases, repeats=2)
    assert [name for name, rows in runs if rows == 10] == ["a", "b", "a", "b"]
    assert runs[:2] == [("a", 1), ("b", 1)]
    assert [result.values for result in results] == [(pytest.approx(1000),) * 2] * 2


def test_ratios_are_taken_within_each_repeat() -> None:
    ours, theirs = Rates("ours", (10.0, 30.0, 20.0)), Rates("theirs", (1.0, 10.0, 4.0))
    assert ratios(ours, theirs) == (3.0, 5.0, 10.0)
    assert "| ours ÷ theirs | 3.00 | 5.00 | 10.00 |" in ratio_table(
        [ours, theirs], [("ours", "theirs")]
    )


def test_what_limits_a_row_is_told_in_nanoseconds() -> None:
    results = [
        Rates("infer, batch 8", (400_000.0,)),
        Rates("transport alone, batch 8", (500_000.0,)),
        Rates("TensorFlow alone, batch 8", (4_000_000.0,)),
    ]
    assert limits(results, [8, 16]) == (
        "infer, batch 8: 2,500 ns a row; transport alone 2,000, TensorFlow alone 250, the rest +250"
    )


def test_cases_that_did_not_run_are_in_no_table() -> None:
    results = [Rates("infer, batch 8", (400_000.0,))]
    assert ratio_table(results, [("infer, batch 8", "a call per record")]) == ""
    assert limits(results, [8]) == ""


def test_each_case_says_how_long_it_took(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(measure, "seconds", lambda run, rows: rows / 10)
    interleave([Case("a", lambda rows: None, rows=300, warm_rows=30)], repeats=1)
    assert capsys.readouterr().out == "  warm a (3 s)\n  1/1 a: 10 rows/s (0 s)\n"
