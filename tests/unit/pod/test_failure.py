from modelstream.errors import ModelNotFoundError
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
