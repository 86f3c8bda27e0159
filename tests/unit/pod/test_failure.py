import pytest

from modelstream.errors import ModelNotFoundError
from modelstream.pod.__main__ import main
from modelstream.pod.failure import PodError, clipped, described, write


def test_an_error_is_told_as_reason_and_message():
    assert described(PodError("GpuNotVisible", "none")) == "GpuNotVisible: none"
    assert described(ModelNotFoundError("nothing at /x")) == "ModelNotFound: nothing at /x"


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
