from pathlib import Path

import pytest

from modelstream.errors import ModelNotFoundError
from modelstream.models.directory import SAVED_MODEL_FILES
from modelstream.models.formats import _KINDS, file_model, model_as_file
from modelstream.models.formats import SUFFIXES as FILES
from modelstream_crds.model import SUFFIXES, ModelFormat


def test_the_resource_and_the_library_call_formats_and_files_the_same() -> None:
    assert set(_KINDS) == set(ModelFormat)
    assert FILES == SUFFIXES


@pytest.mark.parametrize(
    ("names", "found"),
    [
        pytest.param(["net.keras"], "net.keras", id="the only file"),
        pytest.param(["net.keras", "README.md"], "net.keras", id="beside others"),
        pytest.param(["a.pb", "b.pb"], None, id="one of two"),
        pytest.param(["saved_model.pb"], None, id="a SavedModel"),
        pytest.param(["fingerprint.pb"], None, id="a SavedModel that is being copied"),
        pytest.param(["fingerprint.pb", "net.keras"], "net.keras", id="beside a part of another"),
        pytest.param(["README.md"], None, id="no model"),
    ],
)
def test_a_directory_stands_for_the_only_model_in_it(
    tmp_path: Path, names: list[str], found: str | None
) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert model_as_file(tmp_path) == (found and tmp_path / found)


@pytest.mark.parametrize("name", SAVED_MODEL_FILES)
def test_a_file_of_a_saved_model_is_no_model(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"graph")
    assert model_as_file(tmp_path / name) is None
    with pytest.raises(
        ModelNotFoundError, match=f"part of a SavedModel: give the directory {tmp_path}$"
    ):
        file_model(tmp_path / name)


@pytest.mark.parametrize("there", ["fingerprint.pb", "variables/variables.index"])
def test_a_saved_model_whose_graph_has_not_come_yet_is_told_as_one(
    tmp_path: Path, there: str
) -> None:
    file = tmp_path / there
    file.parent.mkdir(exist_ok=True)
    file.touch()
    with pytest.raises(ModelNotFoundError, match=r"no saved_model\.pb .* copied completely\?$"):
        file_model(tmp_path)
