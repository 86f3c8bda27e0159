import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def copied(stage: str) -> list[tuple[Path, str]]:
    """The files that a stage of the Dockerfile copies from here, each with its directory there."""
    text = (ROOT / "Dockerfile").read_text()
    body = re.search(rf"^FROM \S+ AS {stage}\n(.*?)(?=^FROM )", text, re.MULTILINE | re.DOTALL)
    assert body is not None
    lines = re.findall(r"^COPY (runtime/.+) (\S+)$", body[1], re.MULTILINE)
    return [(ROOT / file, target) for files, target in lines for file in files.split()]


def test_the_image_fetches_its_jars_with_the_modules_that_its_build_copies(tmp_path):
    files = copied("jars")
    for file, directory in files:
        (tmp_path / directory).mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, tmp_path / directory)

    # From the copies alone: -S keeps out the project as it is installed here.
    libraries = os.pathsep.join(path for path in sys.path if path.endswith("site-packages"))
    done = subprocess.run(
        [sys.executable, "-S", "-c", "import modelstream.pod.jars as found; print(found.__file__)"],
        cwd=tmp_path,
        env={"PYTHONPATH": os.pathsep.join([str(tmp_path), libraries])},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()) == tmp_path / "modelstream/pod/jars.py"
