import gzip
import io
import sys
from pathlib import Path

import pytest

from modelstream.cli import sample
from modelstream.cli.exits import UsageError
from modelstream.cli.sample import Form, Sample, header_of, opened, recognised


def read(path: Path, text: str) -> tuple[Sample, list[tuple[str, str]]]:
    path.write_bytes(text.encode())
    with opened(str(path)) as found:
        records = [(each.place.rpartition(":")[2], each.payload.decode()) for each in found]
    return found, records


@pytest.mark.parametrize(
    ("text", "form"),
    [
        pytest.param('{"x": 1}\n{"x": 2}\n', Form.LINES, id="lines"),
        pytest.param('no json\n{"x": 1}\n{"x": 2}', Form.LINES, id="a bad line first"),
        pytest.param('{"x": 1\n{"x": 2}\n', Form.LINES, id="a cut line first"),
        pytest.param('  [{"x": 1}]', Form.ARRAY, id="array"),
        pytest.param('{\n  "x": 1\n}\n', Form.DOCUMENT, id="an object over several lines"),
        pytest.param("x,y\n1,2\n", Form.CSV, id="csv"),
        pytest.param("1\n2\n", Form.CSV, id="one column"),
        pytest.param("", None, id="nothing"),
        pytest.param("\n \n", None, id="blanks"),
        pytest.param("PNG\0\0", None, id="bytes"),
        pytest.param("\udc89\udcff\udcd8 a", None, id="no text"),
    ],
)
def test_the_form_of_records_is_recognised(text: str, form: Form | None) -> None:
    assert recognised(text) is form


def test_lines_have_their_numbers_and_blank_ones_are_no_records(tmp_path: Path) -> None:
    _, records = read(tmp_path / "a.jsonl", '\ufeff{"x": 1}\r\n\n{"x": "\u00e9"}')
    assert records == [("1", '{"x": 1}'), ("3", '{"x": "\u00e9"}')]


def test_elements_of_an_array_are_records_as_they_are_spelled(tmp_path: Path) -> None:
    text = '[\n  {"x": 1.50},\n  {"x": [1, 2],\n   "y": "]"}\n]\n'
    found, records = read(tmp_path / "a.json", text)
    assert found.form is Form.ARRAY
    assert records == [("2", '{"x": 1.50}'), ("3", '{"x": [1, 2],\n   "y": "]"}')]


def test_an_object_over_several_lines_is_one_record(tmp_path: Path) -> None:
    _, records = read(tmp_path / "a.json", '{\n "x": 1\n}\n')
    assert records == [("1", '{\n "x": 1\n}')]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param('[{"x": 1},\n{"x": ]', ":2: it is not JSON", id="no JSON"),
        pytest.param('[{"x": 1}\n{"x": 2}]', ":2: it is not a JSON array", id="no comma"),
        pytest.param('[{"x": 1}', ":1: it is not a JSON array", id="no end"),
        pytest.param('[{"x": 1}]\n[]', ":1: it is not a JSON array", id="two arrays"),
    ],
)
def test_an_array_that_is_none_is_told_with_its_line(
    text: str, message: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=message):
        read(tmp_path / "a.json", text)


def test_csv_is_cut_where_jobs_cut_it_and_compressed_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv.gz"
    path.write_bytes(gzip.compress(b'age;name\r\n41;"a;\nb"\r\n\r\n7;c\r\n'))
    with opened(str(path)) as found:
        found = sample.with_header(found)
        records = [(each.place, each.payload) for each in found]
    assert found.dialect.delimiter == ";"
    assert found.header == ("age", "name")
    assert records == [(f"{path}:2", b'41;"a;\nb"'), (f"{path}:5", b"7;c")]


@pytest.mark.parametrize(
    ("rows", "wanted", "header"),
    [
        pytest.param([["age", "x"], ["4", "5"]], [], ("age", "x"), id="words over numbers"),
        pytest.param([["age", "x"], ["a", "b"]], ["x"], ("age", "x"), id="a name that is wanted"),
        pytest.param([["age", "x"], ["a", "b"]], [], (), id="words over words"),
        pytest.param([["3", "x"], ["4", "5"]], ["x"], (), id="a number"),
        pytest.param([["x", "x"], ["4", "5"]], ["x"], (), id="a name twice"),
        pytest.param([["x", ""], ["4", "5"]], ["x"], (), id="no name"),
        pytest.param([["x", "y"]], [], (), id="one row"),
        pytest.param([], ["x"], (), id="no row"),
    ],
)
def test_a_header_is_told_from_a_record(
    rows: list[list[str]], wanted: list[str], header: tuple[str, ...]
) -> None:
    assert header_of(rows, wanted) == header


def test_records_beyond_those_that_were_looked_at_come_too(tmp_path: Path) -> None:
    lines = "".join(f'{{"x": {n}}}\n' for n in range(3 * sample.LOOKED_AT))
    _, records = read(tmp_path / "a.jsonl", lines)
    assert len(records) == 3 * sample.LOOKED_AT


def test_columns_have_the_values_that_are_there(tmp_path: Path) -> None:
    found, _ = read(tmp_path / "a.jsonl", '{"x": null, "y": 1}\nnone\n{"x": [2]}\n')
    assert found.columns() == {"x": [[2]], "y": [1]}


def test_the_standard_input_is_a_file_too(monkeypatch: pytest.MonkeyPatch) -> None:
    text = io.TextIOWrapper(io.BytesIO(b'{"x": 1}\n'))
    monkeypatch.setattr(sys, "stdin", text)
    with opened("-") as found:
        assert [each.place for each in found] == ["standard input:1"]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        pytest.param(lambda path: None, "there is no file", id="nothing"),
        pytest.param(lambda path: path.write_bytes(b"\xef\xbb\xbf\n"), "is empty", id="no text"),
        pytest.param(lambda path: path.mkdir(), "is a directory: name one file", id="a directory"),
        pytest.param(
            lambda path: path.write_bytes(b"\x89PNG\0"), "neither JSON nor CSV", id="an image"
        ),
    ],
)
def test_what_holds_no_records_is_refused(make: object, message: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    make(path)  # type: ignore[operator]  # of the parameters
    with pytest.raises(UsageError, match=message), opened(str(path)):
        pass


@pytest.mark.parametrize("kept", [4, 30])
def test_a_compressed_file_that_was_cut_is_refused(tmp_path: Path, kept: int) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"x": 1}\n' * 9)[:kept])
    with pytest.raises(UsageError, match=f"{path} cannot be read: "), opened(str(path)):
        pass
