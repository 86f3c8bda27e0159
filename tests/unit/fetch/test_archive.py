import io
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from modelstream.errors import FetchError
from modelstream.fetch import fetch

Member = tuple[str, bytes]


def tar_of(path: Path, *members: tarfile.TarInfo | Member) -> str:
    with tarfile.open(path, "w:gz") as tar:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                tar.addfile(member)
                continue
            info = tarfile.TarInfo(member[0])
            info.size = len(member[1])
            tar.addfile(info, io.BytesIO(member[1]))
    return str(path)


def zip_of(path: Path, *members: Member | tuple[zipfile.ZipInfo, bytes]) -> str:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in members:
            bundle.writestr(name, content)
    return str(path)


def special(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


PACKERS = [
    pytest.param(lambda path, *m: tar_of(path / "m.tar.gz", *m), id="tar"),
    pytest.param(lambda path, *m: zip_of(path / "m.zip", *m), id="zip"),
]
Packer = Callable[..., str]


@pytest.mark.parametrize("pack", PACKERS)
def test_an_archive_becomes_its_tree(tmp_path: Path, pack: Packer) -> None:
    uri = pack(tmp_path, ("saved_model.pb", b"graph"), ("variables/v.index", b"i"))
    fetched = fetch(uri, tmp_path / "model")
    assert (tmp_path / "model" / "variables" / "v.index").read_bytes() == b"i"
    assert (fetched.files, fetched.bytes) == (2, 6)


@pytest.mark.parametrize("pack", PACKERS)
def test_the_one_directory_that_wraps_everything_is_taken_off(tmp_path: Path, pack: Packer) -> None:
    wrapped = fetch(pack(tmp_path, ("mine/saved_model.pb", b"g")), tmp_path / "a")
    (tmp_path / "plain").mkdir()
    plain = fetch(pack(tmp_path / "plain", ("saved_model.pb", b"g")), tmp_path / "b")
    assert wrapped.digest == plain.digest


def test_a_version_directory_stays(tmp_path: Path) -> None:
    fetch(tar_of(tmp_path / "m.tgz", ("7/saved_model.pb", b"g")), tmp_path / "model")
    assert (tmp_path / "model" / "7" / "saved_model.pb").exists()


@pytest.mark.parametrize("pack", PACKERS)
def test_a_part_of_an_archive(tmp_path: Path, pack: Packer) -> None:
    uri = pack(tmp_path, ("pkg/data/model/saved_model.pb", b"g"), ("pkg/code.py", b"c"))
    assert fetch(f"{uri}#subdirectory=pkg/data/model", tmp_path / "model").files == 1
    assert (tmp_path / "model" / "saved_model.pb").exists()


def test_a_part_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    uri = tar_of(tmp_path / "m.tgz", ("a/b", b"g"))
    with pytest.raises(FetchError, match="no file below 'c'"):
        fetch(f"{uri}#subdirectory=c", tmp_path / "model")


@pytest.mark.parametrize("name", ["../evil", "a/../../evil", "/etc/evil", "a\\..\\..\\evil"])
@pytest.mark.parametrize("pack", PACKERS)
def test_a_name_that_leaves_the_tree_is_refused(tmp_path: Path, pack: Packer, name: str) -> None:
    uri = pack(tmp_path, ("saved_model.pb", b"g"), (name, b"x"))
    with pytest.raises(FetchError, match="outside of the model"):
        fetch(uri, tmp_path / "deep" / "model")
    assert not list(tmp_path.rglob("evil*"))
    assert list((tmp_path / "deep").iterdir()) == []


@pytest.mark.parametrize(
    "member",
    [
        pytest.param(special("link", tarfile.SYMTYPE, "/etc/passwd"), id="symlink"),
        pytest.param(special("link", tarfile.LNKTYPE, "saved_model.pb"), id="hardlink"),
        pytest.param(special("null", tarfile.CHRTYPE), id="device"),
        pytest.param(special("pipe", tarfile.FIFOTYPE), id="pipe"),
    ],
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    uri = tar_of(tmp_path / "m.tgz", ("saved_model.pb", b"g"), member)
    with pytest.raises(FetchError, match="link or a device"):
        fetch(uri, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link")
    link.external_attr = 0o120777 << 16
    with pytest.raises(FetchError, match="link or a device"):
        fetch(zip_of(tmp_path / "m.zip", (link, b"/etc/passwd")), tmp_path / "model")


@pytest.mark.parametrize("pack", PACKERS)
def test_a_bomb_stops_at_the_cap_while_it_unpacks(tmp_path: Path, pack: Packer) -> None:
    uri = pack(tmp_path, ("bomb", bytes(50_000_000)))
    with pytest.raises(FetchError, match="larger than the 1,000,000 bytes"):
        fetch(uri, tmp_path / "model", max_bytes=1_000_000)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("pack", PACKERS)
def test_a_corrupt_archive_is_an_error_and_leaves_nothing(tmp_path: Path, pack: Packer) -> None:
    path = Path(pack(tmp_path, ("saved_model.pb", bytes(range(256)) * 400)))
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(FetchError, match="cannot be unpacked"):
        fetch(str(path), tmp_path / "model")
    assert list(tmp_path.iterdir()) == [path]


def test_a_member_that_is_there_twice_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="twice"):
        fetch(tar_of(tmp_path / "m.tgz", ("a", b"1"), ("a", b"2")), tmp_path / "model")


@pytest.mark.parametrize("uri", ["m.tgz#path=a", "model#subdirectory=a"])
def test_a_fragment_that_means_nothing_is_an_error(tmp_path: Path, uri: str) -> None:
    with pytest.raises(FetchError, match="only for an archive"):
        fetch(uri, tmp_path / "model")
