from pathlib import Path

import pytest
import yaml
from bench.latency import Latency, Scores, at_peak, handfuls, manifest, table

from modelstream_crds import manifest as manifests


def test_a_rate_is_sent_in_handfuls_without_a_drift() -> None:
    sent = list(handfuls(1_234, 2))
    assert sum(count for _, count in sent) == 2_468
    assert max(count for _, count in sent) <= 3
    assert sent[-1][0] == pytest.approx(2)


def test_what_records_waited_is_told_without_the_first_quarter() -> None:
    scores = Scores()
    for at in range(1000):
        sent = 10**18 + at * 4_000_000  # 250 a second, for 4 s
        waited = 500 if at < 200 else 90 if at == 999 else 10
        scores.take([b'{"id":%d,"y":1}' % sent], sent + waited * 10**6)
    found = scores.latency(20, 250, 4)
    assert found.p50 == pytest.approx(10)
    assert 10 <= found.p99 < 90
    assert found.received == pytest.approx(250, rel=0.05)


@pytest.mark.parametrize(
    ("received", "said"), [pytest.param(990, "yes", id="held"), pytest.param(900, "no", id="not")]
)
def test_a_rate_that_is_not_held_is_said(received: float, said: str) -> None:
    lines = table({20: 5000}, [Latency(20, 1000, received, 9.54, 12.34)]).splitlines()
    assert lines[-1] == f"| 20 ms | 5,000 | 1,000 | {said} | 9.5 ms | 12.3 ms |"


def test_the_peak_is_that_of_the_last_half() -> None:
    slow = [at * 10**9 for at in range(10)]
    fast = [slow[-1] + at * 10**6 for at in range(1, 11)]
    assert at_peak([*slow, *fast]) == pytest.approx(1000, rel=0.01)


def test_the_job_is_a_valid_one() -> None:
    stream = manifests.load(yaml.safe_dump(manifest(Path("/model"), "broker:9092", 20)))
    assert stream.spec.pipeline is not None
    assert str(stream.spec.pipeline.inference.batch.max_latency) == "20ms"
