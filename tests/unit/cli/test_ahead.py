"""What is imported while the JVM of a local run starts."""

import sys
from pathlib import Path

import pytest

from modelstream.cli import ahead


def test_tensorflow_is_imported_beside_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tensorflow.py").write_text("here = True\n")
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    thread = ahead.bring({})
    assert thread is not None
    thread.join()
    assert vars(sys.modules.pop("tensorflow"))["here"]


def test_an_import_that_fails_is_told_by_who_needs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tensorflow.py").write_text("raise OSError('no such library')\n")
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    thread = ahead.bring({})
    assert thread is not None
    thread.join()
    with pytest.raises(OSError, match="no such library"):
        __import__("tensorflow")


def test_workers_of_their_own_import_what_they_need_themselves() -> None:
    assert ahead.bring({"_python_worker_execution_mode": "process"}) is None
