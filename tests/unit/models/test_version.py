import os
import tempfile
from pathlib import Path

import pytest

from modelstream.convert.protos import message
from modelstream.models.readable import is_readable, readable, readable_copy, readable_prefix


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2.20.0", "2.20.0"),
        ("1.15.0-rc3", "1.15.0-rc3"),
        ("2.5.0-dev20210101", "2.5.0-dev20210101"),
        ("", ""),
        ("0.12.head", "0.12"),
        ("1.4.0-custom build", "1.4.0"),
        ("unknown", "1.0.0"),
    ],
)
def test_versions_that_todays_tensorflow_reads(version, expected):
    assert readable(version) == expected
    assert is_readable(expected)


@pytest.fixture(autouse=True)
def scratch(monkeypatch, tmp_path_factory):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("scratch")))


def saved(path, version, name="saved_model.pb"):
    saved_model = message("SavedModel")()
    saved_model.meta_graphs.add().meta_info_def.tensorflow_version = version
    (path / "variables").mkdir()
    (path / "variables" / "variables.index").write_text("weights")
    if name.endswith(".pb"):
        (path / name).write_bytes(saved_model.SerializeToString() + b"\xba\x3e\x03new")
    else:
        (path / name).write_text(f"{saved_model}\nother {{ a: 1 }}")
    return saved_model


def test_a_readable_model_is_used_where_it_is(tmp_path):
    assert readable_copy(tmp_path, saved(tmp_path, "2.20.0")) is None


def test_an_unreadable_version_is_replaced_in_a_copy_that_links_to_the_rest(tmp_path):
    original = saved(tmp_path, "0.12.head")
    copy = readable_copy(
        tmp_path, message("SavedModel").FromString((tmp_path / "saved_model.pb").read_bytes())
    )
    content = (copy / "saved_model.pb").read_bytes()
    info = message("SavedModel").FromString(content).meta_graphs[0].meta_info_def
    assert info.tensorflow_version == "0.12"
    assert content.endswith(b"new"), "what this library does not know must stay"
    assert (copy / "variables").is_symlink()
    assert (copy / "variables" / "variables.index").read_text() == "weights"
    assert original.meta_graphs[0].meta_info_def.tensorflow_version == "0.12.head"


def test_the_text_form_is_changed_as_text(tmp_path):
    copy = readable_copy(tmp_path, saved(tmp_path, "0.12.head", "saved_model.pbtxt"))
    assert 'tensorflow_version: "0.12"' in (copy / "saved_model.pbtxt").read_text()
    assert "other" in (copy / "saved_model.pbtxt").read_text()


@pytest.mark.parametrize("name", [b"m[1]", b"m*", b"m?", b"m\\n", b"m\xff"])
def test_a_path_that_tensorflow_reads_as_something_else_is_read_in_a_copy(tmp_path, name):
    path = Path(os.fsdecode(bytes(tmp_path) + b"/" + name))
    path.mkdir()
    copy = readable_copy(path, saved(path, "2.20.0"))
    assert str(copy).isascii()
    assert (copy / "variables" / "variables.index").read_text() == "weights"


@pytest.mark.parametrize("name", ["run[1]", "plain"])
def test_a_checkpoint_is_read_by_a_path_that_is_no_pattern(tmp_path, name):
    (tmp_path / name).mkdir()
    for file in ("ck.index", "ck.data-00000-of-00001", "ck2.index"):
        (tmp_path / name / file).write_text(file)
    with readable_prefix(tmp_path / name / "ck") as prefix:
        assert "[" not in str(prefix)
        there = sorted(each.name for each in prefix.parent.iterdir() if "2" not in each.name)
        assert there == [f"{prefix.name}.data-00000-of-00001", f"{prefix.name}.index"]
        assert prefix.with_name(f"{prefix.name}.index").read_text() == "ck.index"
    assert (tmp_path / name / "ck.index").is_file()
