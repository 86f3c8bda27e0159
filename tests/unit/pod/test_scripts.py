import os
import subprocess
import sys
from pathlib import Path

import pytest

import modelstream.pod

BIN = Path(modelstream.pod.__file__).with_name("bin")


def probe(state):
    return subprocess.run(
        [BIN / "modelstream-pod", "ready"],
        env={**os.environ, "MODELSTREAM_STATE_DIR": str(state)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_pod_is_not_ready_before_its_models_are(tmp_path):
    done = probe(tmp_path)

    assert done.returncode == 1
    assert "ModelsLoading" in done.stdout


def test_a_pod_is_ready_when_all_models_are(tmp_path):
    (tmp_path / "ready").mkdir()
    (tmp_path / "ready" / "COMPLETE").touch()

    assert probe(tmp_path).returncode == 0


def test_a_killed_worker_makes_the_pod_unready_and_says_why(tmp_path):
    (tmp_path / "ready").mkdir()
    (tmp_path / "ready" / "COMPLETE").touch()
    (tmp_path / "killed").write_text("PythonWorkerOutOfMemory: …\n")
    done = probe(tmp_path)

    assert done.returncode == 1
    assert done.stdout.startswith("PythonWorkerOutOfMemory: ")


@pytest.fixture
def python(tmp_path):
    """A Python that notes how it is called, and ends as WORKER_STATUS says when it is a worker."""
    calls = tmp_path / "calls"
    script = tmp_path / "python"
    script.write_text(
        f"#!{sys.executable}\n"
        "import os, signal, sys\n"
        f"print(*sys.argv[1:], file=open({str(calls)!r}, 'a'))\n"
        "if 'worker' in sys.argv and os.environ.get('KILL'):\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "sys.exit(3 if 'worker' in sys.argv else 0)\n"
    )
    script.chmod(0o755)

    def run(*arguments, **environment):
        done = subprocess.run(
            [BIN / "worker", *arguments],
            env={**os.environ, "MODELSTREAM_PYTHON": str(script), **environment},
            check=False,
        )
        return done.returncode, calls.read_text().splitlines()

    return run


BOOT = ("-m", "pyflink.fn_execution.beam.beam_boot", "--id=1")


def test_flinks_worker_is_started_with_ours_around_it(python):
    status, calls = python(*BOOT)

    assert status == 3
    assert calls == ["-m modelstream.pod worker -m pyflink.fn_execution.beam.beam_boot --id=1"]


def test_a_killed_worker_is_followed_by_the_question_why(python):
    status, calls = python(*BOOT, KILL="1")

    assert status == 137
    assert calls[-1] == "-m modelstream.pod killed"


def test_flinks_other_questions_to_python_go_through(python):
    assert python("-c", "print()") == (0, ["-c print()"])
