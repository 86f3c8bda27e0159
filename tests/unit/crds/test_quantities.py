from datetime import timedelta

import pytest

from modelstream_crds.quantities import cores, duration, quantity


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("50ms", 50), ("30s", 30_000), ("1m30s", 90_000), ("2h", 7_200_000), ("0s", 0)],
)
def test_a_duration_is_a_sum_of_its_parts(text: str, milliseconds: int) -> None:
    assert duration(text) == timedelta(milliseconds=milliseconds)


@pytest.mark.parametrize("text", ["", "5", "5 s", "1.5s", "-1s", "s", "1d"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write one such as"):
        duration(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2Gi", 2 * 1024**3),
        ("500M", 500_000_000),
        ("1.5Ki", 1536),
        ("1k", 1000),
        ("7", 7),
        (64, 64),
        ("1m", 1),
        ("8Ei", 8 * 1024**6),
    ],
)
def test_a_quantity_is_exact_and_rounds_up(text: str | int, expected: int) -> None:
    assert quantity(text) == expected


@pytest.mark.parametrize("text", ["", "2 Gi", "2GB", "-1", "lots", "1e3"])
def test_what_is_no_quantity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="write one such as"):
        quantity(text)


def test_cores_may_be_parts() -> None:
    assert (cores("250m"), cores(2), cores("1.5")) == (0.25, 2.0, 1.5)
