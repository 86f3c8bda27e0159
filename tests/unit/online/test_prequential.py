from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from tests.support.online import Mean

from modelstream import DeadLetter, OnlineModel, TensorSpec
from modelstream.errors import BrokenModelError, DivergedError
from modelstream.failure import Stage
from modelstream.online.memory import Memory
from modelstream.online.prequential import Prequential, Results

SCALAR = TensorSpec("float32", (None,))
MODEL = OnlineModel(
    build=lambda: None,
    loss="mse",
    inputs={"x": SCALAR},
    labels={"y": SCALAR},
    update_every=4,
    on_error=DeadLetter(),
)
WAITING = replace(MODEL, max_latency=timedelta(seconds=1))
MODES = [pytest.param(MODEL, id="at once"), pytest.param(WAITING, id="with the batch")]


class Run:
    def __init__(self, model: OnlineModel = MODEL) -> None:
        self.learner = Mean()
        self.loop = Prequential(model, self.learner, ["id", "x", "y"], ["id"])
        self.memory = self.learner.begin()
        self.results: list[Results] = []
        self.count = 0

    def take(self, *records: tuple[Any, Any]) -> "Run":
        for x, y in records:
            self.results.append(self.loop.take(self.memory, (self.count, x, y)))
            self.count += 1
        return self

    def end(self) -> "Run":
        self.results.append(self.loop.score_waiting(self.memory, Results()))
        return self

    @property
    def scored(self) -> dict[int, tuple[float, float | None, int]]:
        every = [each for results in self.results for each in results.scored]
        return {each.kept[0]: (each.outputs[0], each.loss, each.updates) for each in every}

    @property
    def refused(self) -> list[tuple[Any, Stage]]:
        every = [each for results in self.results for each in results.refused]
        return [(each.record.get("x"), each.failure.stage) for each in every]

    @property
    def weight(self) -> float:
        return float(self.memory.weights.arrays[0][0])


def test_a_record_is_scored_at_once_and_before_it_is_learned_from() -> None:
    run = Run().take(*[(1.0, 8.0)] * 5)
    assert [len(results.scored) for results in run.results] == [1] * 5
    assert run.scored[3] == (0.0, 8.0, 0)
    assert run.scored[4] == (4.0, 4.0, 1)


def test_records_can_wait_for_their_batch_and_are_scored_in_one_call() -> None:
    run = Run(WAITING).take(*[(1.0, 8.0)] * 8)
    assert [len(results.scored) for results in run.results] == [0, 0, 0, 4, 0, 0, 0, 4]
    assert run.learner.calls == [("assess", 4), ("learn", 4)] * 2
    assert run.scored == Run().take(*[(1.0, 8.0)] * 8).scored


def test_those_that_waited_long_enough_are_scored_and_still_learned_from() -> None:
    run = Run(WAITING).take(*[(1.0, 8.0)] * 3).end()
    assert len(run.scored) == 3
    assert run.memory.updates == 0
    run.take((1.0, 8.0))
    assert len(run.scored) == 4
    assert (run.memory.updates, run.memory.records, run.weight) == (1, 4, 4.0)


@pytest.mark.parametrize("model", MODES)
def test_without_a_label_a_record_is_scored_and_not_learned_from(model: OnlineModel) -> None:
    run = Run(model).take(*[(1.0, 8.0)] * 4, (1.0, None))
    assert run.scored[4] == (4.0, None, 1)
    assert run.memory.pending == []


@pytest.mark.parametrize("model", MODES)
@pytest.mark.parametrize(
    ("bad", "stage"),
    [
        pytest.param("text", Stage.ENCODE, id="does not fit"),
        pytest.param(None, Stage.ENCODE, id="null"),
        pytest.param(-1.0, Stage.INFERENCE, id="the model refuses it"),
        pytest.param(float("inf"), Stage.INFERENCE, id="infinite loss"),
    ],
)
def test_a_bad_record_is_refused_alone_and_its_batch_goes_on(
    model: OnlineModel, bad: Any, stage: Stage
) -> None:
    run = Run(model).take((1.0, 8.0), (1.0, 8.0), (bad, 8.0), (1.0, 8.0), (1.0, 8.0))
    assert run.refused == [(bad, stage)]
    assert sorted(run.scored) == [0, 1, 3, 4]
    assert (run.memory.updates, run.memory.records, run.weight) == (1, 4, 4.0)


def test_a_failure_is_about_the_record_of_a_stream_that_has_no_places() -> None:
    (refused,) = Run().take(("text", 8.0)).results[0].refused
    assert refused.failure.message.startswith("column 'x': the record does not fit ")


def test_a_record_that_spoils_an_update_leaves_it() -> None:
    run = Run().take((1.0, 8.0), (13.0, 100.0), (1.0, 8.0), (1.0, 8.0))
    assert run.refused == [(13.0, Stage.INFERENCE)]
    assert sorted(run.scored) == [0, 1, 2, 3]
    assert (run.memory.updates, run.memory.records, run.weight) == (1, 3, 4.0)


def test_a_batch_of_which_every_record_spoils_it_means_that_the_model_has_diverged() -> None:
    with pytest.raises(DivergedError, match=r"update 1 .* learning rate"):
        Run().take(*[(13.0, 1.0)] * 4)


def test_a_model_without_a_finite_loss_for_so_long_has_diverged() -> None:
    run = Run().take(*[(float("inf"), 1.0)] * 31)
    assert len(run.refused) == 31
    with pytest.raises(DivergedError, match="none of the last 32 records"):
        run.take((float("inf"), 1.0))


def test_one_good_record_between_bad_ones_is_enough() -> None:
    run = Run().take(*([(float("inf"), 1.0)] * 31 + [(1.0, 1.0)]) * 3)
    assert len(run.refused) == 93


def test_pending_records_of_a_larger_batch_become_several_updates() -> None:
    before = Run(replace(MODEL, update_every=10)).take(*[(1.0, 8.0)] * 9)
    after = Run()
    after.memory = Memory.from_bytes(before.memory.to_bytes())
    after.take((1.0, 8.0))
    assert (after.memory.updates, len(after.memory.pending)) == (2, 2)


@pytest.mark.parametrize("model", MODES)
def test_a_restart_at_any_record_changes_nothing(model: OnlineModel) -> None:
    records = [(float(number), float(number % 5)) for number in range(30)]
    whole = Run(model).take(*records).end()
    for stop in (1, 7, 8, 21):
        run = Run(model).take(*records[:stop])
        run.memory = Memory.from_bytes(run.memory.to_bytes())
        run.take(*records[stop:]).end()
        assert run.scored == whole.scored
        assert run.memory.to_bytes() == whole.memory.to_bytes()


@pytest.mark.parametrize("label", [8.0, None], ids=["to learn from", "to score"])
def test_bad_records_that_meet_alone_end_no_job_and_a_broken_model_does(
    label: float | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = Run().take((1.0, 8.0), *[(-1.0, label)] * 100)
    assert len(run.refused) == 100
    assert run.memory.refused == 0

    def broken(*_: Any) -> Any:
        raise ValueError("no such layer")

    monkeypatch.setattr(run.learner, "predict", broken)
    monkeypatch.setattr(run.learner, "assess", broken)
    run.take(*[(1.0, label)] * (31 - 100 % 32))
    with pytest.raises(BrokenModelError, match=r"refuses 32 records in a row.*no such layer"):
        run.take((1.0, label))
