"""What a newcomer mistypes is told with what it is, where it is, and what to write."""

import zipfile
from pathlib import Path

import pytest
from tests.support.mistakes import MANIFEST, MISTAKES, Mistake
from tests.support.numpymodel import NumpyModel

from modelstream.cli import main, precheck


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = precheck.model_at
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        precheck,
        "model_at",
        lambda path, spec: NumpyModel() if path.name == "model" else real(path, spec),
    )
    for name in ("model", "in", "saved", "empty"):
        Path(name).mkdir()
    for name in ("file", "m.keras", "m.pb", "saved/saved_model.pb"):
        Path(name).touch()
    Path("array.json").write_text('[{"id": 1, "x": 2}]\n')
    with zipfile.ZipFile("m.zip", "w") as archive:
        archive.writestr("saved_model.pb", "")


def _manifest(edit: tuple[str, str] | str | bytes) -> bytes:
    if isinstance(edit, bytes):
        return edit
    if isinstance(edit, tuple):
        assert edit[0] in MANIFEST
        edit = MANIFEST.replace(*edit, 1)
    return edit.replace("HERE", str(Path.cwd())).encode()


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.id)
def test_a_mistake_is_told_with_what_and_where_it_is_and_what_to_do(
    mistake: Mistake, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("job.yaml").write_bytes(_manifest(mistake.edit))
    try:
        code = main(mistake.typed)
    except SystemExit as end:
        code = int(str(end.code))
    captured = capsys.readouterr()
    said = captured.err + captured.out
    assert code == mistake.code, said
    for part in (mistake.where, mistake.what, mistake.do):
        assert part in said
    assert "Traceback" not in said
