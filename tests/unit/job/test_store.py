import bz2
import gzip
import lzma
import pickle
import zlib
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pytest
from pyarrow import fs

from modelstream.errors import ConversionError, OptionError
from modelstream.job import csvfiles, files, listing
from modelstream.job import store as store_module
from modelstream.job.decode.csvtext import Dialect
from modelstream.job.store import Store
from modelstream.job.tables import TablePlan
from modelstream.models import ColumnType
from modelstream_crds.v1alpha1 import Column


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "b" / "deep").mkdir(parents=True)
    (tmp_path / "b" / "deep" / "x.py").write_text("x")
    (tmp_path / "a.py").write_text("é")
    (tmp_path / "empty.py").touch()
    (tmp_path / ".hidden").touch()
    (tmp_path / "_temporary").mkdir()
    (tmp_path / "_temporary" / "y.py").touch()
    return tmp_path


def names(store: Store) -> list[str]:
    return [Path(entry.path).name for entry in store.files()]


def test_files_are_listed_recursively_in_order_without_hidden_ones(tree: Path) -> None:
    assert names(Store(str(tree))) == ["a.py", "x.py", "empty.py"]
    assert [entry.size for entry in Store(tree.as_uri()).files()] == [2, 1, 0]


def test_a_root_that_is_a_file_is_one_record(tree: Path) -> None:
    assert names(Store(str(tree / "a.py"))) == ["a.py"]


def test_a_root_that_is_missing_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="there is no directory"):
        Store(str(tmp_path / "none")).files()


def test_a_store_of_another_scheme_is_refused() -> None:
    with pytest.raises(OptionError, match="not from gs://"):
        Store("gs://bucket/x")


def test_a_key_may_hold_what_ends_the_path_of_a_url(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "bucket").mkdir()
    for name in ("a", "a#1?x"):
        (tmp_path / "bucket" / name).write_text(name)
    bucket = fs.SubTreeFileSystem(str(tmp_path), fs.LocalFileSystem())
    monkeypatch.setattr(store_module, "_s3", lambda options: bucket)
    store = Store("s3://bucket")
    assert [store.read(entry.path) for entry in store.files()] == [b"a", b"a#1?x"]


def test_keys_of_a_store_do_not_show_in_its_repr() -> None:
    assert "hunter22" not in repr(Store("s3://b/x", {"s3.secret-key": "hunter22"}))


def test_only_files_that_were_not_seen_and_fit_the_pattern_are_new(tree: Path) -> None:
    seen = {str(tree / "a.py")}
    found = listing.new_files(Store(str(tree)), r".*\.py", lambda path: path in seen)
    assert [Path(entry.path).name for entry in found] == ["x.py", "empty.py"]


def decoder(root: Path, sql_type: str) -> files.FileDecoder:
    made = files.FileDecoder((ColumnType("content", sql_type),), Store(str(root)))
    return pickle.loads(pickle.dumps(made))


def test_content_comes_as_text_or_bytes_and_an_empty_file_is_a_record(tree: Path) -> None:
    paths = [str(tree / "a.py").encode(), str(tree / "empty.py").encode()]
    assert decoder(tree, "STRING").decode(paths) == [{"content": "é"}, {"content": ""}]
    assert decoder(tree, "BYTES").decode(paths)[0] == {"content": "é".encode()}


def test_what_cannot_be_read_costs_only_itself(tree: Path) -> None:
    (tree / "bad.py").write_bytes(b"ok\xff")
    (tree / "link.py").symlink_to(tree / "nothing")
    assert "link.py" in names(Store(str(tree)))
    paths = [str(tree / name).encode() for name in ("bad.py", "link.py", "gone.py", "a.py")]
    bad, link, gone, fine = decoder(tree, "STRING").decode(paths)
    assert isinstance(bad, ConversionError)
    assert "byte 2 of" in str(bad)
    assert "cannot be read: No such file" in str(link)
    assert "cannot be read: No such file" in str(gone)
    assert fine == {"content": "é"}


CONTENT = Column(name="text", type="STRING")


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        pytest.param(
            (CONTENT,), {"path": "/x", "topic": "t"}, "topic is not an option", id="option"
        ),
        pytest.param((), {"path": "/x"}, "one column of content", id="no-content"),
        pytest.param(
            (Column(name="n", type="BIGINT"),), {"path": "/x"}, "STRING or BYTES", id="type"
        ),
        pytest.param(
            (CONTENT, Column(name="o", type="BIGINT", metadata="offset")),
            {"path": "/x"},
            "'offset', which a file does not have",
            id="metadata",
        ),
        pytest.param(
            (CONTENT,),
            {"path": "/x", "source.monitor-interval": "soon"},
            "a duration such as 1 s",
            id="interval",
        ),
        pytest.param(
            (CONTENT,),
            {"path": "/x", "source.path.regex-pattern": "("},
            "regex-pattern",
            id="pattern",
        ),
    ],
)
def test_what_whole_files_do_not_have_is_refused_by_name(
    columns: tuple[Column, ...], options: dict[str, str], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        files.file_source(TablePlan("filesystem", "file", options, columns), {})


COMPRESSED = {
    "a.csv": bytes,
    "a.csv.gz": gzip.compress,
    "a.csv.bz2": bz2.compress,
    "a.csv.xz": lzma.compress,
    "a.csv.deflate": zlib.compress,
    "a.csv.zst": lambda content: pyarrow.compress(content, "zstd", asbytes=True),
}


@pytest.mark.parametrize("name", COMPRESSED)
def test_records_of_csv_files_come_uncompressed_by_suffix(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(COMPRESSED[name](b'\xef\xbb\xbf1,"a\nb"\n2,\xff\n'))
    found = csvfiles.records(Store(str(tmp_path)), str(tmp_path / name), Dialect())
    assert list(found) == [(1, b'1,"a\nb"'), (3, b"2,\xff")]


@pytest.mark.parametrize("name", [name for name in COMPRESSED if name != "a.csv"])
@pytest.mark.parametrize("spoilt", [lambda whole: whole[:-9], lambda whole: b"no such format"])
def test_a_compressed_file_that_is_cut_or_is_none_is_told_by_name(
    tmp_path: Path, name: str, spoilt: Callable[[bytes], bytes]
) -> None:
    (tmp_path / name).write_bytes(spoilt(COMPRESSED[name](bytes(range(256)))))
    with pytest.raises(OSError, match=f"{name} cannot be uncompressed .* copied completely"):
        list(csvfiles.records(Store(str(tmp_path)), str(tmp_path / name), Dialect()))


CSV = (Column(name="n", type="BIGINT"),)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param({"path": "hdfs://x"}, "not from hdfs://.*inference.onError: Fail", id="hdfs"),
        pytest.param(
            {"path": "/x", "source.report-statistics": "all"},
            "source.report-statistics cannot be honoured.*inference.onError: Fail",
            id="option",
        ),
    ],
)
def test_csv_files_that_only_flink_can_read_are_refused_with_the_way_out(
    options: dict[str, str], message: str
) -> None:
    with pytest.raises(OptionError, match=message):
        csvfiles.csv_files(TablePlan("filesystem", "raw", options, CSV), Dialect(), {})
