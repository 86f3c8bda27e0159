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
        pytest.param(special("null", tarfile.CHRTYPE), id="device"),
        pytest.param(special("pipe", tarfile.FIFOTYPE), id="pipe"),
    ],
)
def test_devices_in_a_tar_are_refused(tmp_path: Path, member: tarfile.TarInfo) -> None:
    uri = tar_of(tmp_path / "m.tgz", ("saved_model.pb", b"g"), member)
    with pytest.raises(FetchError, match="is a device"):
        fetch(uri, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def linked(name: str, target: str) -> tuple[tarfile.TarInfo, tuple[zipfile.ZipInfo, bytes]]:
    """A symbolic link as a member of a tar, and of a zip."""
    member = zipfile.ZipInfo(name)
    member.external_attr = 0o120777 << 16
    return special(name, tarfile.SYMTYPE, target), (member, target.encode())


def pack_links(directory: Path, kind: str, links: dict[str, str], *files: Member) -> str:
    members = [linked(name, target) for name, target in links.items()]
    if kind == "tar":
        return tar_of(directory / "m.tgz", *[tar for tar, _ in members], *files)
    return zip_of(directory / "m.zip", *[of_zip for _, of_zip in members], *files)


KINDS = pytest.mark.parametrize("kind", ["tar", "zip"])


@KINDS
def test_links_in_an_archive_become_what_they_lead_to(tmp_path: Path, kind: str) -> None:
    links = {
        "snapshots/rev/saved_model.pb": "../../blobs/0",
        "snapshots/rev/variables": "../../blobs/v",
        "latest": "snapshots/rev",
        "newest": "latest",
    }
    files = (("blobs/0", b"graph"), ("blobs/v/v.index", b"i"))
    fetch(pack_links(tmp_path, kind, links, *files), tmp_path / "model")
    for name in ("snapshots/rev", "latest", "newest"):
        assert (tmp_path / "model" / name / "saved_model.pb").read_bytes() == b"graph"
        assert (tmp_path / "model" / name / "variables" / "v.index").read_bytes() == b"i"
    assert not any(each.is_symlink() for each in (tmp_path / "model").rglob("*"))


@KINDS
@pytest.mark.parametrize(
    ("links", "message"),
    [
        pytest.param({"link": "/etc/passwd"}, "'link' is a link that leads out", id="absolute"),
        pytest.param({"link": "../x"}, "'link' is a link that leads out", id="parent"),
        pytest.param({"a": "b", "b": "/etc"}, "'b' is a link that leads out", id="by another"),
        pytest.param({"a/link": "../../x"}, "'a/link' is a link that leads out", id="deep"),
        pytest.param({"a": "b", "b": "a"}, "leads in a circle", id="each other"),
        pytest.param({"a/b": "../a"}, "'a/b' is a link to 'a', in which it is", id="parent itself"),
        pytest.param({"link": "gone"}, "'link' is a link to 'gone', which is not there", id="gone"),
    ],
)
def test_a_link_in_an_archive_that_leads_elsewhere_is_refused(
    tmp_path: Path, kind: str, links: dict[str, str], message: str
) -> None:
    uri = pack_links(tmp_path, kind, links, ("saved_model.pb", b"g"), ("a/f", b"f"))
    with pytest.raises(FetchError, match=message):
        fetch(uri, tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_a_hard_link_is_the_file_that_it_names(tmp_path: Path) -> None:
    link = special("1/again", tarfile.LNKTYPE, "./1/saved_model.pb")
    uri = tar_of(tmp_path / "m.tgz", ("1/saved_model.pb", b"g"), link)
    fetch(uri, tmp_path / "model")
    assert (tmp_path / "model" / "1" / "again").read_bytes() == b"g"


def test_a_link_out_of_the_part_of_an_archive_that_is_wanted_is_refused(tmp_path: Path) -> None:
    uri = pack_links(
        tmp_path, "tar", {"a/link": "../b/f"}, ("a/saved_model.pb", b"g"), ("b/f", b"")
    )
    with pytest.raises(FetchError, match="'link' is a link that leads out"):
        fetch(f"{uri}#subdirectory=a", tmp_path / "model")


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
