import pytest

from modelstream.pod.memory import Memory, killed_message, loading_killed, memory


def test_version_2_of_cgroups_is_read(tmp_path):
    (tmp_path / "memory.events").write_text("low 0\noom 3\noom_kill 2\n")
    (tmp_path / "memory.max").write_text("2147483648\n")

    assert memory(tmp_path) == Memory(kills=2, limit=2 << 30)


def test_version_1_of_cgroups_is_read(tmp_path):
    (tmp_path / "memory").mkdir()
    (tmp_path / "memory" / "memory.oom_control").write_text("under_oom 0\noom_kill 1\n")
    (tmp_path / "memory" / "memory.limit_in_bytes").write_text("1073741824\n")

    assert memory(tmp_path) == Memory(kills=1, limit=1 << 30)


@pytest.mark.parametrize("value", ["max", "9223372036854771712"])
def test_a_container_without_a_limit_has_none(tmp_path, value):
    (tmp_path / "memory.events").write_text("oom_kill 0\n")
    (tmp_path / "memory.max").write_text(value)

    assert memory(tmp_path).limit is None


def test_a_machine_without_these_files_says_nothing(tmp_path):
    assert memory(tmp_path) == Memory(kills=0, limit=None)


def test_a_kill_for_memory_says_which_limit_and_what_to_raise():
    text = killed_message(Memory(kills=1, limit=2 << 30))

    assert text.startswith("PythonWorkerOutOfMemory: ")
    assert "2.00 GiB" in text
    assert "taskManager.resources.limits.memory" in text


def test_a_kill_of_another_cause_is_not_called_out_of_memory():
    text = killed_message(Memory(kills=0, limit=2 << 30))

    assert text.startswith("PythonWorkerKilled: ")
    assert "OutOfMemory" not in text


def test_a_model_that_does_not_fit_says_which_limit_and_what_to_raise():
    reason, text = loading_killed(Memory(kills=1, limit=2 << 30))

    assert reason == "OutOfMemory"
    assert "2.00 GiB" in text
    assert "taskManager.resources.limits.memory" in text


def test_loading_that_somebody_else_killed_is_not_called_out_of_memory():
    reason, text = loading_killed(Memory(kills=0, limit=2 << 30))

    assert reason == "LoadingKilled"
    assert "raise" not in text
