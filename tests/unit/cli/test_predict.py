"""Records through a model of numpy, as `modelstream predict` sends them."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.numpymodel import NumpyModel

from modelstream.cli import main, predict
from modelstream.convert import TensorSpec
from modelstream.models import CallableModel


@pytest.fixture(autouse=True)
def double(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(predict, "model_at_hand", lambda *_, **__: NumpyModel())


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[Any], str]:
    code = main(["predict", "double", *arguments])
    said = capsys.readouterr()
    return code, [json.loads(line) for line in said.out.splitlines()], said.err


def written(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_one_record_gives_its_result_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(capsys, "--record", '{"x": 0.1, "id": 7}') == (0, [{"y": 0.2}], "")


def test_several_records_keep_their_order_and_columns_that_are_asked_for(
    capsys: pytest.CaptureFixture[str],
) -> None:
    records = ["--record", '{"x": 1, "id": 7}', "--record", '{"x": 2, "id": 8}']
    code, found, error = run(capsys, *records, "--keep", "id")
    assert (code, found) == (0, [{"id": 7, "y": 2.0}, {"id": 8, "y": 4.0}])
    assert error == "2 read, 2 scored\n"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param('{"x": 1}\n{"x": 2}\n', id="lines"),
        pytest.param('[{"x": 1},\n {"x": 2}]', id="array"),
        pytest.param("id;x\na;1\nb;2\n", id="csv with a header"),
        pytest.param("1\n2\n", id="csv of the only input"),
    ],
)
def test_records_of_a_file_are_read_in_each_form(
    text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found, _ = run(capsys, written(tmp_path / "in", text))
    assert (code, found) == (0, [{"y": 2.0}, {"y": 4.0}])


def test_no_more_records_are_scored_than_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path / "in", "".join(f'{{"x": {n}}}\n' for n in range(1000)))
    code, found, error = run(capsys, file, "--limit", "300")
    assert (code, len(found), error) == (0, 300, "300 read, 300 scored\n")


def test_bad_records_are_told_with_their_lines_in_the_words_of_a_dead_letter(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path / "in", '{"x": 1}\nno\n{"x": "a"}\n{"x": null}\n{"x": -1}\n{"x": 2}\n')
    code, found, error = run(capsys, file)
    assert (code, found) == (0, [{"y": 2.0}, {"y": 4.0}])
    told = [line.removeprefix(f"modelstream: {file}:") for line in error.splitlines()]
    assert told[0].startswith("2: format: ConversionError: it is not JSON")
    assert told[1].startswith("3: format: ConversionError: field 'x': 'a' is not")
    assert told[2].startswith("4: encode: ConversionError: column 'x'")
    assert told[3] == "5: inference: ValueError: x is negative"
    assert told[4] == "6 read, 2 scored, 4 not scored:"
    assert f"such as {file}:2" in error


def test_a_program_gets_failed_records_as_json_too(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = written(tmp_path / "in", '{"x": 1}\n{"x": -1}\n')
    _, found, _ = run(capsys, file, "--json")
    error = {"stage": "inference", "error_type": "ValueError", "message": "x is negative"}
    assert found == [
        {"source": f"{file}:1", "result": {"y": 2.0}},
        {"source": f"{file}:2", "error": error},
    ]


def test_records_of_which_none_is_scored_are_a_failure(capsys: pytest.CaptureFixture[str]) -> None:
    code, found, error = run(capsys, "--record", '{"x": "a"}')
    assert (code, found) == (1, [])
    assert error.startswith("modelstream: format: ConversionError: field 'x': 'a' is not")


def test_a_column_of_another_name_feeds_a_tensor_where_that_is_said(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code, found, _ = run(capsys, "--record", '{"amount": 3}', "--input", "x=amount")
    assert (code, found) == (0, [{"y": 6.0}])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param([], "give records: either --record", id="nothing"),
        pytest.param(["f", "--record", "{}"], "give records: either --record", id="both"),
        pytest.param(["nowhere"], "there is no file", id="no file"),
        pytest.param(
            ["--record", '{"X": 1}'],
            "not have (did you mean 'X'?); it has 'X'\n  say which column feeds a tensor: --input",
            id="no such column",
        ),
        pytest.param(
            ["--record", '{"x": 1, "id": 2}', "--keep", "it"],
            "--keep names the column 'it', which the stream does not have; it has 'id', 'x'",
            id="nothing to keep",
        ),
        pytest.param(
            ["--record", '{"x": 1, "y": 2}', "--keep", "y"], "comes from the stream and", id="twice"
        ),
        pytest.param(
            ["--record", '{"x": 1}', "--signature", "other"], "no signature 'other'", id="signature"
        ),
        pytest.param(
            ["--record", '{"x": 1}', "--labels", "l.txt"], "of --method Classify", id="labels"
        ),
    ],
)
def test_what_cannot_be_scored_is_refused_before_the_model_is_loaded(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found, error = run(capsys, *arguments)
    assert (code, found) == (2, [])
    assert message in error


@pytest.mark.parametrize(
    ("arguments", "code"), [([], 2), (["--columns", "id,x"], 0), (["--columns", "x"], 2)]
)
def test_csv_without_a_header_needs_names_for_its_columns(
    arguments: list[str], code: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = run(capsys, written(tmp_path / "in", "7,1\n8,2\n"), *arguments)
    assert found[0] == code
    assert found[1] == ([] if code else [{"y": 2.0}, {"y": 4.0}])
    if code:
        assert "names no column that the model reads ('x'): give the names of its 2" in found[2]


def test_a_method_may_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    _, found, _ = run(capsys, "--record", '{"x": 1}', "--method", "regress")
    assert found == [{"value": 2.0}]


SCALED = CallableModel(
    lambda x, by, mode: x * by if mode == b"times" else x + by,
    {
        "x": TensorSpec("float32", (None,)),
        "by": TensorSpec("float32", ()),
        "mode": TensorSpec("string", ()),
    },
    {"y": TensorSpec("float32", (None,))},
)


def test_one_value_for_all_records_is_given_beside_them(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(predict, "model_at_hand", lambda *_, **__: SCALED)
    records = ["--record", '{"x": 1}', "--record", '{"x": 3}', "--constant", "mode=times"]
    code, found, _ = run(capsys, *records, "--constant", "by=2.5")
    assert (code, found) == (0, [{"y": 2.5}, {"y": 7.5}])
    code, _, error = run(capsys, *records)
    assert (code, "or give it one value for all records: --constant TENSOR=VALUE" in error) == (
        2,
        True,
    )
    assert "cannot be the constant 'much'" in run(capsys, *records, "--constant", "by=much")[2]
