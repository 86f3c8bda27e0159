"""What Prometheus is told of single streams."""

from typing import Any

import pytest
from prometheus_client import REGISTRY

from modelstream_operator import metrics
from modelstream_operator.resources import Key

SCORES = Key("fraud", "scores")
LABELS = {"namespace": "fraud", "name": "scores"}


def status(ready: str, step: str, since: str = "2026-01-01T12:00:00Z") -> dict[str, Any]:
    conditions = [{"type": "Accepted", "status": "True"}, {"type": "Ready", "status": ready}]
    return {"conditions": conditions, "step": {"name": step, "since": since}}


def seconds(step: str) -> float | None:
    return REGISTRY.get_sample_value("modelstream_step_seconds", {**LABELS, "step": step})


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1767268830.0)  # 2026-01-01T12:00:30Z
    metrics.forget(SCORES)


@pytest.mark.parametrize(("said", "value"), [("True", 1.0), ("False", 0.0), ("Unknown", 0.0)])
def test_a_stream_is_ready_or_it_is_not(said: str, value: float) -> None:
    metrics.tell(SCORES, status(said, "Deployed"))
    assert REGISTRY.get_sample_value("modelstream_ready", LABELS) == value


def test_a_step_lasts_until_the_next_one_begins() -> None:
    metrics.tell(SCORES, status("False", "Savepointing"))
    assert seconds("Savepointing") == 30.0
    metrics.tell(SCORES, status("False", "TearingDown", "2026-01-01T12:00:20Z"))
    assert (seconds("Savepointing"), seconds("TearingDown")) == (None, 10.0)


def test_a_stream_that_is_gone_leaves_no_series() -> None:
    metrics.tell(SCORES, status("True", "Deployed"))
    metrics.tell(Key("fraud", "other"), status("True", "Deployed"))
    metrics.forget(SCORES)
    assert REGISTRY.get_sample_value("modelstream_ready", LABELS) is None
    assert seconds("Deployed") is None
    assert REGISTRY.get_sample_value("modelstream_ready", {**LABELS, "name": "other"}) == 1.0
    metrics.forget(Key("fraud", "other"))
