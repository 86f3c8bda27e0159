from collections.abc import Iterator

import pytest

from modelstream.errors import (
    ConnectorError,
    DigestMismatchError,
    FetchError,
    JobError,
    ModelNotFoundError,
    ModelStreamError,
    OptionError,
    SignatureMismatchError,
    UnevenShapesError,
    UnscorableError,
)
from modelstream.failure import Failure, Stage
from modelstream.fetch.retry import TransientError
from modelstream.pod.__main__ import main
from modelstream.pod.failure import PodError, clipped, described, reason_of, write
from modelstream_crds.podreasons import PodReason
from modelstream_operator.decide.cause import Cause, cause_of


def below(root: type[ModelStreamError]) -> Iterator[type[ModelStreamError]]:
    for each in root.__subclasses__():
        yield each
        yield from below(each)


ERRORS = [each for each in below(ModelStreamError) if each.__module__ == "modelstream.errors"]

MORE = {
    UnevenShapesError: ([],),
    UnscorableError: ("fraud", Failure(Stage.INFERENCE, "ValueError", "boom")),
}
"""What the constructors of some of them take beside the message."""


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ModelNotFoundError("x"), PodReason.MODEL_NOT_FOUND),
        (DigestMismatchError("x"), PodReason.DIGEST_MISMATCH),
        (FetchError("x"), PodReason.FETCH_FAILED),
    ],
)
def test_what_the_operator_tells_apart_is_called_by_its_class(error, reason):
    assert reason_of(error) == reason


def test_an_error_is_told_as_reason_and_message():
    assert described(PodError("GpuNotVisible", "none")) == "GpuNotVisible: none"
    assert described(ModelNotFoundError("nothing at /x")) == "ModelNotFound: nothing at /x"


@pytest.mark.parametrize(
    ("error", "told"),
    [
        pytest.param(JobError("no source"), "JobNotBuilt: no source", id="job"),
        pytest.param(OptionError("batch: 0"), "InvalidOption: batch: 0", id="option"),
        pytest.param(ConnectorError("kafak"), "ConnectorUnusable: kafak", id="connector"),
        pytest.param(TransientError("503"), "FetchFailed: 503", id="as its parent"),
        pytest.param(ValueError("503"), "ValueError: 503", id="Python's own"),
    ],
)
def test_a_class_of_one_word_is_told_by_a_reason(error, told):
    assert described(error) == told


@pytest.mark.parametrize("kind", ERRORS)
def test_no_error_of_the_library_is_taken_for_an_error_of_python_s(kind):
    error = kind("boom", *MORE.get(kind, ()))
    reason = described(error).removesuffix(": boom")

    assert cause_of(described(error), 1) == Cause(reason, "boom")


def test_a_message_of_several_lines_is_told_on_one():
    error = SignatureMismatchError("model 'fraud':\n  x is FLOAT\n  y is missing\n")
    told = "model 'fraud': x is FLOAT; y is missing"

    assert cause_of(described(error), 1) == Cause("SignatureMismatch", told)


def test_a_long_message_is_cut_at_what_kubernetes_keeps():
    assert len(clipped("ü" * 5000).encode()) <= 4096


def test_a_message_replaces_what_stood_there(tmp_path):
    log = tmp_path / "log"
    log.write_text("a longer message than the next")
    write("short", log)

    assert log.read_text() == "short"


def test_outside_of_a_pod_there_is_no_file_to_write(tmp_path, capsys):
    write("text", tmp_path / "none")

    assert "no termination message" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        pytest.param("https://127.0.0.1/m.tar.gz", "FetchFailed: 127.0.0.1", id="private"),
        pytest.param("ftp://store/m", "FetchFailed: ", id="unknown scheme"),
    ],
)
def test_a_model_that_cannot_be_fetched_has_a_reason_of_its_own(pod, uri, said):
    assert main(["fetch", uri, str(pod.root / "model")], pod.paths) == 1
    assert pod.termination_message.startswith(said)
