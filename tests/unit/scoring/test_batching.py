from dataclasses import dataclass, fields
from datetime import timedelta

import pytest

from modelstream.errors import OptionError
from modelstream.flink.environment import agreed, configure, execution_options
from modelstream.job.pipeline import batch_of
from modelstream.scoring.batch import Batch
from modelstream_crds import inference


@dataclass
class Environment:
    """The options of a TableEnvironment, and nothing else of it."""

    options: dict[str, str]

    def get_config(self) -> "Environment":
        return self

    def get(self, name: str, default: str) -> str:
        return self.options.get(name, default)

    def set(self, name: str, value: str) -> None:
        self.options[name] = value


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"max_size": 0}, "max_size is 0", id="no records"),
        pytest.param({"max_latency": timedelta(0)}, "max_latency is 0:00:00", id="no time"),
        pytest.param(
            {"max_latency": 50}, "max_latency must be a timedelta, got 50: write", id="a number"
        ),
        pytest.param({"allowed_sizes": (8, 4)}, r"\[8, 4\]", id="sizes that decrease"),
        pytest.param({"allowed_sizes": (0, 4)}, r"\[0, 4\]", id="a size of nothing"),
        pytest.param(
            {"max_size": 16, "allowed_sizes": (8, 64)}, "is 64 and max_size is 16", id="more"
        ),
        pytest.param(
            {"max_size": 16, "allowed_sizes": (8,)}, "is 8 and max_size is 16", id="fewer"
        ),
    ],
)
def test_a_batch_that_cannot_be_is_refused_with_what_it_takes(options, message) -> None:
    with pytest.raises(OptionError, match=message):
        Batch(**options)


def test_a_number_is_no_batch() -> None:
    with pytest.raises(OptionError, match=r"batch is 32; write Batch\(max_size=…\)"):
        agreed(None, 32)


@pytest.mark.parametrize(("size", "padded"), [(1, 1), (2, 8), (8, 8), (9, 64), (65, 65)])
def test_a_size_is_padded_to_the_next_allowed_one(size: int, padded: int) -> None:
    assert Batch(64, allowed_sizes=(1, 8, 64)).padded(size) == padded


def test_without_allowed_sizes_nothing_is_padded() -> None:
    assert Batch(64).padded(3) == 3


def test_a_batch_is_split_at_its_limit() -> None:
    assert list(Batch(4).spans(9)) == [(0, 4), (4, 8), (8, 9)]


def test_the_bundle_ends_after_half_the_latency_because_flink_waits_up_to_twice() -> None:
    options = execution_options(Batch(512, timedelta(milliseconds=80)))
    assert options == {
        "python.fn-execution.arrow.batch.size": "4096",
        "python.fn-execution.bundle.size": "100000",
        "python.fn-execution.bundle.time": "40",
    }


@pytest.mark.parametrize(
    ("mode", "latency", "bundle"),
    [
        pytest.param("STREAMING", 80, "40", id="somebody waits for each record"),
        pytest.param("AUTOMATIC", 80, "40", id="nobody knows"),
        pytest.param("BATCH", 80, "500", id="all wait for the end"),
        pytest.param("batch", 80, "500", id="in small letters"),
        pytest.param("BATCH", 3000, "1500", id="more than enough"),
    ],
)
def test_bundles_of_a_batch_job_last_longer(mode: str, latency: int, bundle: str) -> None:
    environment = Environment({"execution.runtime-mode": mode})
    configure(environment, Batch(512, timedelta(milliseconds=latency)))
    assert environment.options["python.fn-execution.bundle.time"] == bundle


def test_an_arrow_batch_is_never_smaller_than_a_batch() -> None:
    options = execution_options(Batch(8192))
    assert options["python.fn-execution.arrow.batch.size"] == "8192"


def test_a_bundle_is_never_smaller_than_a_batch() -> None:
    options = execution_options(Batch(200_000))
    assert options["python.fn-execution.bundle.size"] == "200000"


SET = Batch(64, timedelta(milliseconds=20), (1, 8, 64))


@pytest.mark.parametrize("batch", [Batch(), SET])
def test_a_batch_is_the_same_behind_one_of_flink_s_options(batch: Batch) -> None:
    assert Batch.of_text(batch.as_text()) == batch


def test_no_setting_of_a_batch_is_lost_on_its_way() -> None:
    assert all(getattr(SET, field.name) != field.default for field in fields(Batch))
    stated = {"maxSize": 64, "maxLatency": "20ms", "allowedSizes": [1, 8, 64]}
    assert len(stated) == len(inference.Batch.model_fields) == len(fields(Batch))
    assert batch_of(inference.Batch.model_validate(stated)) == SET
