from pathlib import Path

import pytest

from modelstream.models import GraphDefModel, KerasModel, SavedModel
from modelstream.models.directory import GRAPH_SUFFIXES, KERAS_SUFFIXES
from modelstream.models.formats import model_as_file
from modelstream_crds.model import SUFFIXES, ModelFormat


def test_the_resource_and_the_library_call_formats_and_files_the_same() -> None:
    formats = {SavedModel.format, KerasModel.format, GraphDefModel.format}
    assert formats == set(ModelFormat)
    assert {GraphDefModel.format: GRAPH_SUFFIXES, KerasModel.format: KERAS_SUFFIXES} == SUFFIXES


@pytest.mark.parametrize(
    ("names", "found"),
    [
        pytest.param(["net.keras"], "net.keras", id="the only file"),
        pytest.param(["net.keras", "README.md"], "net.keras", id="beside others"),
        pytest.param(["a.pb", "b.pb"], None, id="one of two"),
        pytest.param(["saved_model.pb"], None, id="a SavedModel"),
        pytest.param(["README.md"], None, id="no model"),
    ],
)
def test_a_directory_stands_for_the_only_model_in_it(
    tmp_path: Path, names: list[str], found: str | None
) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert model_as_file(tmp_path) == (found and tmp_path / found)
