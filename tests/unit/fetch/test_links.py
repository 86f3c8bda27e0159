"""Models that are made of symbolic links."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from modelstream.errors import FetchError
from modelstream.fetch import check_links, digest_of, tree_of


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """A model of two files."""
    return written(tmp_path / "real")


def written(root: Path) -> Path:
    (root / "variables").mkdir(parents=True)
    (root / "saved_model.pb").write_bytes(b"graph")
    (root / "variables" / "v.index").write_bytes(b"index")
    return root


def linked(link: Path, target: str) -> None:
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(target)


def test_a_snapshot_of_the_hugging_face_cache_is_its_files(tmp_path: Path, real: Path) -> None:
    repository = tmp_path / "models--a--b"
    (repository / "blobs").mkdir(parents=True)
    (repository / "blobs" / "0").write_bytes(b"graph")
    (repository / "blobs" / "1").write_bytes(b"index")
    snapshot = repository / "snapshots" / "rev"
    linked(snapshot / "saved_model.pb", "../../blobs/0")
    linked(snapshot / "variables" / "v.index", "../../../blobs/1")
    assert digest_of(snapshot) == digest_of(real)
    assert digest_of(snapshot / "variables") == digest_of(real / "variables")
    with pytest.raises(FetchError, match="leads out of the model"):
        check_links(snapshot, snapshot)


def test_the_files_of_a_configmap_count_and_not_how_kubernetes_keeps_them(tmp_path: Path) -> None:
    plain, mount = tmp_path / "plain", tmp_path / "mount"
    for place in (plain, mount / "..2026_01"):
        place.mkdir(parents=True)
        (place / "k.keras").write_bytes(b"zip")
    linked(mount / "..data", "..2026_01")
    linked(mount / "k.keras", "..data/k.keras")
    assert digest_of(mount) == digest_of(plain)
    assert digest_of(mount / "k.keras") == digest_of(plain)


def test_what_a_file_system_keeps_at_its_root_does_not_count(real: Path) -> None:
    before = digest_of(real)
    (real / "lost+found").mkdir()
    (real / "lost+found" / "#12").write_bytes(b"piece")
    assert digest_of(real) == before
    (real / "variables" / "lost+found").write_bytes(b"a name like any other")
    assert digest_of(real) != before


def test_a_directory_that_may_not_be_read_is_named(
    real: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(directory: Path) -> Iterator[Path]:
        if directory.name == "variables":
            raise PermissionError(13, "Permission denied")
        return listed(directory)

    listed = Path.iterdir
    monkeypatch.setattr(Path, "iterdir", refused)
    with pytest.raises(FetchError, match=r"real/variables: this user may not read it"):
        digest_of(real)


def test_a_link_to_a_directory_counts_as_its_files(tmp_path: Path) -> None:
    versions = tmp_path / "versions"
    written(versions / "3")
    linked(versions / "latest", "3")
    written(tmp_path / "copied" / "3")
    written(tmp_path / "copied" / "latest")
    assert digest_of(versions) == digest_of(tmp_path / "copied")
    assert tree_of(versions).files == 4


def test_what_is_named_may_itself_be_a_link(tmp_path: Path, real: Path) -> None:
    linked(tmp_path / "current", "real")
    assert digest_of(tmp_path / "current") == digest_of(real)


@pytest.mark.parametrize(
    ("links", "message"),
    [
        pytest.param({"link": "/etc/passwd"}, "link: the link leads out of the model", id="file"),
        pytest.param({"link": "/etc"}, "link: the link leads out of the model", id="directory"),
        pytest.param({"link": "../beside"}, "link: the link leads out of the model", id="beside"),
        pytest.param({"a": "b", "b": "../beside"}, "a: the link leads out", id="by another"),
        pytest.param({"link": "gone"}, "link: the link leads to gone, which is not", id="gone"),
        pytest.param({"link": "link"}, "link: the link leads in a circle", id="itself"),
        pytest.param({"a": "b", "b": "a"}, "a: the link leads in a circle", id="each other"),
        pytest.param({"up": "."}, "up: the link leads to .*in which it is: a circle", id="root"),
        pytest.param(
            {"variables/up": ".."}, "up: the link leads to .*in which it is: a circle", id="parent"
        ),
    ],
)
def test_a_link_that_leads_elsewhere_is_refused_by_name(
    tmp_path: Path, real: Path, links: dict[str, str], message: str
) -> None:
    (tmp_path / "beside").mkdir()
    for name, target in links.items():
        linked(real / name, target)
    with pytest.raises(FetchError, match=message):
        digest_of(real)
    with pytest.raises(FetchError, match=message):
        check_links(real)


def test_links_that_multiply_end_at_the_number_of_files(
    real: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("modelstream.fetch.links.MAX_FILES", 50)
    for level in range(10):
        linked(real / f"d{level}" / "a", f"../d{level + 1}")
        linked(real / f"d{level}" / "b", f"../d{level + 1}")
    (real / "d10").mkdir()
    (real / "d10" / "file").touch()
    with pytest.raises(FetchError, match="more than 50 files"):
        digest_of(real)
