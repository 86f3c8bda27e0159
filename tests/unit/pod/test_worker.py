import subprocess
import sys
from pathlib import Path

from modelstream.pod import __main__ as pod_main

RUN = """
import sys
from pathlib import Path
from modelstream.pod import worker
from modelstream.pod.paths import Paths
root = Path(sys.argv[1])
worker.main(["-m", "echo", "--id=1", "x"], Paths(state=root, manifest=root / "none"))
"""


def test_the_module_runs_as_the_main_program_with_its_arguments(tmp_path: Path):
    (tmp_path / "echo.py").write_text(
        "import sys\nif __name__ == '__main__':\n    print(sys.argv[1:])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)],
        env={"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip().endswith("['--id=1', 'x']")


def test_a_new_worker_with_its_models_clears_what_was_said_of_the_last(tmp_path: Path):
    (tmp_path / "echo.py").write_text("")
    (tmp_path / "killed").write_text("PythonWorkerOutOfMemory")
    subprocess.run(
        [sys.executable, "-c", RUN, str(tmp_path)], env={"PYTHONPATH": str(tmp_path)}, check=True
    )

    assert not (tmp_path / "killed").exists()


def test_why_a_worker_was_killed_is_kept_for_the_probe(pod):
    assert pod_main.main(["killed"], pod.paths) != 2
    assert pod.paths.killed.read_text().startswith("PythonWorker")


def test_a_role_that_does_not_exist_is_refused_with_those_that_do(pod, capsys):
    assert pod_main.main(["taskmaster"], pod.paths) == 2
    assert "taskmanager" in capsys.readouterr().err
