from pathlib import Path

import pytest

from modelstream.errors import DigestMismatchError, FetchError
from modelstream.fetch import digest_of, fetch


@pytest.fixture
def source(tmp_path: Path) -> Path:
    model = tmp_path / "source"
    (model / "variables").mkdir(parents=True)
    (model / "saved_model.pb").write_bytes(b"graph")
    (model / "variables" / "v").write_bytes(b"values")
    return model


def test_a_directory_is_copied_whole(source: Path, tmp_path: Path) -> None:
    fetched = fetch(source.as_uri(), tmp_path / "model")
    assert fetched.digest == digest_of(source) == digest_of(tmp_path / "model")
    assert (fetched.files, fetched.bytes, fetched.kept) == (2, 11, False)


def test_a_single_file_becomes_a_directory_that_holds_it(source: Path, tmp_path: Path) -> None:
    fetch(f"{source}/saved_model.pb", tmp_path / "model")
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["saved_model.pb"]


def test_what_is_there_already_is_kept(source: Path, tmp_path: Path) -> None:
    fetch(str(source), tmp_path / "model")
    inode = (tmp_path / "model").stat().st_ino
    assert fetch(str(source), tmp_path / "model").kept
    assert (tmp_path / "model").stat().st_ino == inode


def test_a_known_digest_saves_the_download(source: Path, tmp_path: Path) -> None:
    digest = fetch(str(source), tmp_path / "model").digest
    assert fetch("https://unreachable.invalid/m", tmp_path / "model", digest=digest).kept


def test_other_content_at_the_destination_is_left_alone(source: Path, tmp_path: Path) -> None:
    dest = tmp_path / "model"
    dest.mkdir()
    (dest / "precious").write_bytes(b"mine")
    with pytest.raises(FetchError, match="there already with other content"):
        fetch(str(source), dest)
    assert [path.name for path in dest.iterdir()] == ["precious"]


def test_a_file_at_the_destination_is_left_alone(source: Path, tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"mine")
    with pytest.raises(FetchError, match="is a file"):
        fetch(str(source), tmp_path / "model")


def test_a_wrong_digest_names_both_and_leaves_nothing(source: Path, tmp_path: Path) -> None:
    expected = "sha256:" + "0" * 64
    with pytest.raises(DigestMismatchError) as caught:
        fetch(str(source), tmp_path / "model", digest=expected)
    assert expected in str(caught.value)
    assert digest_of(source) in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_a_malformed_digest_is_refused_before_anything_is_fetched(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="64 hexadecimal digits"):
        fetch("https://unreachable.invalid/m", tmp_path / "model", digest="sha256:beef")


def test_the_cap_counts_the_whole_tree(source: Path, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="larger than the 10 bytes"):
        fetch(str(source), tmp_path / "model", max_bytes=10)
    assert fetch(str(source), tmp_path / "model", max_bytes=11).bytes == 11


def test_a_link_in_the_source_becomes_what_it_leads_to(source: Path, tmp_path: Path) -> None:
    (source / "link").symlink_to("saved_model.pb")
    fetched = fetch(str(source), tmp_path / "model")
    assert fetched.digest == digest_of(source)
    assert not (tmp_path / "model" / "link").is_symlink()
    assert (tmp_path / "model" / "link").read_bytes() == (source / "link").read_bytes()


def test_a_link_that_leads_out_of_the_source_is_refused(source: Path, tmp_path: Path) -> None:
    (source / "link").symlink_to("/etc/passwd")
    with pytest.raises(FetchError, match="leads out of the model"):
        fetch(str(source), tmp_path / "model")
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("name", ["fraud#2", "fraud:v1", "a?b", "50%20", "fraud[v1]", "a b"])
@pytest.mark.parametrize("scheme", ["", "file://"])
def test_a_directory_is_found_whatever_its_name(
    source: Path, tmp_path: Path, scheme: str, name: str
) -> None:
    source.rename(tmp_path / name)
    written = name.replace("%", "%25") if scheme else name
    fetched = fetch(f"{scheme}{tmp_path}/{written}", tmp_path / "model")
    assert fetched.digest == digest_of(tmp_path / name)


def test_a_part_of_a_directory_is_not_what_a_fragment_means(source: Path, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="only for an archive"):
        fetch(f"{source}#subdirectory=variables", tmp_path / "model")


@pytest.mark.parametrize(
    ("uri", "message"),
    [
        pytest.param("pvc://claim/m", "exists in its cluster only", id="pvc"),
        pytest.param("image://registry/m@sha256:0", "mounted by Kubernetes", id="image"),
        pytest.param("ftp://example.org/m", "use file, https, s3, gs or hf", id="ftp"),
        pytest.param("file://models/m", "file:///models/m", id="file with a host"),
        pytest.param("hf://name", "hf://organisation/name", id="hf without organisation"),
        pytest.param("file:///not/there", "there is no file", id="nothing there"),
    ],
)
def test_an_address_that_cannot_be_fetched_says_what_to_write(
    tmp_path: Path, uri: str, message: str
) -> None:
    with pytest.raises(FetchError, match=message):
        fetch(uri, tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_progress_ends_at_the_size_of_the_model(source: Path, tmp_path: Path) -> None:
    seen: list[int] = []
    fetch(str(source), tmp_path / "model", progress=lambda done, _: seen.append(done))
    assert seen == [5, 11]


def test_a_mount_point_is_filled_and_what_an_attempt_left_there_is_cleared(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An emptyDir is mounted at the model's path, and outlives a restart of the container."""
    dest = tmp_path / "mounted"
    (dest / ".modelstream-killed" / "tree").mkdir(parents=True)
    (dest / "half").write_bytes(b"x")
    monkeypatch.setattr(Path, "is_mount", lambda path: path == dest)
    fetched = fetch(str(source), dest)
    assert digest_of(dest) == fetched.digest == digest_of(source)
    assert fetch(str(source), dest, digest=fetched.digest).kept


@pytest.mark.parametrize("heavy", ["pyarrow", "numpy", "pyflink", "tensorflow", "pydantic"])
def test_importing_it_imports_nothing_heavy(heavy: str) -> None:
    import subprocess
    import sys

    code = f"import sys, modelstream.fetch; sys.exit({heavy!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
