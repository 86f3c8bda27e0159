import hashlib
import os
from pathlib import Path

import pytest

from modelstream.errors import FetchError
from modelstream.fetch.digest import checked_form, digest_of, tree_of


def test_the_digest_is_sha256_over_sorted_lines_of_hash_size_and_path(tmp_path: Path) -> None:
    files = {"saved_model.pb": b"graph", "variables/variables.index": b"index"}
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    lines = sorted(
        f"{hashlib.sha256(content).hexdigest()}  {len(content)}  {name}\n"
        for name, content in files.items()
    )
    expected = "sha256:" + hashlib.sha256("".join(lines).encode()).hexdigest()
    assert digest_of(tmp_path) == expected
    assert (tree_of(tmp_path).files, tree_of(tmp_path).bytes) == (2, 10)


def test_modes_and_empty_directories_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"x")
    before = digest_of(tmp_path)
    (tmp_path / "a").chmod(0o700)
    (tmp_path / "empty").mkdir()
    assert digest_of(tmp_path) == before


@pytest.mark.parametrize("change", ["content", "name", "more"])
def test_any_change_of_the_tree_changes_the_digest(tmp_path: Path, change: str) -> None:
    (tmp_path / "a").write_bytes(b"x")
    before = digest_of(tmp_path)
    match change:
        case "content":
            (tmp_path / "a").write_bytes(b"y")
        case "name":
            (tmp_path / "a").rename(tmp_path / "b")
        case _:
            (tmp_path / "b").write_bytes(b"")
    assert digest_of(tmp_path) != before


def test_a_file_counts_as_the_tree_that_holds_it(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    tree.mkdir()
    (tree / "graph.pb").write_bytes(b"x")
    assert digest_of(tree / "graph.pb") == digest_of(tree)


def test_a_name_counts_as_its_bytes_whatever_they_are(tmp_path: Path) -> None:
    names = sorted([b"\xff.pb", "ü.pb".encode(), "\ue000.pb".encode(), b"a b.pb"])
    for name in names:
        Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(b"x")
    line = f"{hashlib.sha256(b'x').hexdigest()}  1  ".encode()
    lines = b"".join(line + name + b"\n" for name in names)
    assert digest_of(tmp_path) == f"sha256:{hashlib.sha256(lines).hexdigest()}"
    assert tree_of(tmp_path).files == 4


def test_a_name_that_could_pass_for_two_files_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a\nb").write_bytes(b"x")
    with pytest.raises(FetchError, match="has no line break in its name"):
        digest_of(tmp_path)


def test_a_path_with_nothing_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="there is no file and no directory"):
        digest_of(tmp_path / "absent")


@pytest.mark.parametrize("text", ["sha256:abc", "md5:" + "0" * 64, "sha256:" + "G" * 64, ""])
def test_what_is_not_spelt_as_a_digest_is_refused(text: str) -> None:
    with pytest.raises(FetchError, match="64 hexadecimal digits"):
        checked_form(text)
