import base64
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.jobs import built, model, rows, run

from modelstream.errors import JobError

pytestmark = pytest.mark.flink

SCHEMA = [{"name": "id", "type": "BIGINT"}, {"name": "x", "type": "FLOAT"}]


def pipeline(origin: Path, out: Path, **changes: Any) -> dict[str, Any]:
    inference = {"model": "picky", "outputs": {"y": "root"}, **changes.pop("inference", {})}
    files = {
        "connector": "filesystem",
        "format": "json",
        "schema": SCHEMA,
        "options": {"path": str(origin)},
    }
    sink = {"connector": "filesystem", "format": "json", "options": {"path": str(out / "scored")}}
    return {
        "models": [model("picky")],
        "pipeline": {
            "source": {**files, **changes.pop("source", {})},
            "inference": inference,
            "sink": sink,
            **changes,
        },
    }


def dead_letters(out: Path) -> dict[str, Any]:
    options = {"path": str(out / "dead")}
    return {"connector": "filesystem", "format": "json", "options": options}


def write(directory: Path, *lines: str | bytes) -> Path:
    directory.mkdir()
    encoded = [line.encode() if isinstance(line, str) else line for line in lines]
    (directory / "part").write_bytes(b"".join(line + b"\n" for line in encoded))
    return directory


def scored(out: Path) -> list[tuple[int, float]]:
    return sorted((row["id"], row["y"]) for row in rows(out / "scored"))


def test_json_files_go_through_the_model_to_json_files(
    tmp_path: Path, picky: dict[str, Path]
) -> None:
    lines = [json.dumps({"id": n, "x": float(n * n)}) for n in range(50)]
    run(pipeline(write(tmp_path / "in", *lines), tmp_path), picky)
    assert scored(tmp_path) == [(n, float(n)) for n in range(50)]
    assert set(rows(tmp_path / "scored")[0]) == {"id", "x", "y"}


@pytest.mark.usefixtures("in_processes")
def test_csv_files_in_a_batch_job_with_python_in_processes_of_its_own(
    tmp_path: Path, picky: dict[str, Path]
) -> None:
    source = {
        "format": "csv",
        "options": {"path": str(tmp_path / "in"), "csv.field-delimiter": ";"},
    }
    write(tmp_path / "in", *(f"{n};{n * n}" for n in range(20)))
    spec = pipeline(tmp_path / "in", tmp_path, source=source, inference={"keep": ["id"]})
    spec["flink"] = {"runtimeMode": "Batch"}
    run(spec, picky)
    assert scored(tmp_path) == [(n, float(n)) for n in range(20)]
    assert set(rows(tmp_path / "scored")[0]) == {"id", "y"}


def test_each_bad_record_is_one_dead_letter_with_its_bytes(
    tmp_path: Path, picky: dict[str, Path]
) -> None:
    bad = [b"{not json", b'{"id": 1, "x": "abc"}', b'{"id": 2, "x": \xff}', b"[]"]
    refused = b'{"id": 9, "x": -1.0}'
    good = [json.dumps({"id": n, "x": float(n * n)}).encode() for n in range(20)]
    write(tmp_path / "in", *bad, refused, *good, b"")
    run(
        pipeline(
            tmp_path / "in",
            tmp_path,
            inference={"onError": "DeadLetter"},
            deadLetter=dead_letters(tmp_path),
        ),
        picky,
    )
    assert scored(tmp_path) == [(n, float(n)) for n in range(20)]
    letters = rows(tmp_path / "dead")
    by_stage: dict[str, set[bytes]] = {}
    for letter in letters:
        by_stage.setdefault(letter["stage"], set()).add(base64.b64decode(letter["payload"]))
    assert by_stage == {"format": set(bad), "inference": {refused}}
    assert len(letters) == 5
    assert {letter["model"] for letter in letters} == {"picky"}
    places = {base64.b64decode(letter["payload"]): letter["source"] for letter in letters}
    file = tmp_path / "in" / "part"
    assert places == {line: f"{file}:{n}" for n, line in enumerate([*bad, refused], 1)}


def test_csv_files_are_read_by_record_and_not_by_line(
    tmp_path: Path, picky: dict[str, Path]
) -> None:
    files = tmp_path / "in"
    files.mkdir()
    bad = [b"3,x", b'4,"1"x', b'5,"4.0\n6,25.0\n']
    (files / "a.csv").write_bytes(b'1,"1.0"\r\n2,"\n4.0\n"\r\n' + b"\n".join(bad))
    (files / "b.csv.gz").write_bytes(gzip.compress(b"7,49.0\n\n"))
    spec = pipeline(
        files,
        tmp_path,
        source={"format": "csv"},
        inference={"onError": "DeadLetter", "keep": ["id"]},
        deadLetter=dead_letters(tmp_path),
    )
    spec["flink"] = {"runtimeMode": "Batch"}
    run(spec, picky)
    assert scored(tmp_path) == [(1, 1.0), (2, 2.0), (7, 7.0)]
    letters = {base64.b64decode(row["payload"]): row["source"] for row in rows(tmp_path / "dead")}
    places = {line: f"{files / 'a.csv'}:{n}" for n, line in enumerate(bad, 5)}
    assert letters == {**places, b"\n": f"{files / 'b.csv.gz'}:2"}


def test_dropped_records_leave_the_others(tmp_path: Path, picky: dict[str, Path]) -> None:
    write(tmp_path / "in", "{", '{"id": 1, "x": 4}', '{"id": 2, "x": -4}', '{"id": 3, "x": 9}')
    run(pipeline(tmp_path / "in", tmp_path, inference={"onError": "Drop"}), picky)
    assert scored(tmp_path) == [(1, 2.0), (3, 3.0)]


def test_a_sink_that_cannot_write_is_named_without_a_java_trace(
    tmp_path: Path, picky: dict[str, Path]
) -> None:
    write(tmp_path / "in", '{"id": 1, "x": 4}')
    spec = pipeline(tmp_path / "in", tmp_path / "in" / "part")  # a file, not a directory
    for _ in range(3):  # Flink tells one failure; a source's event for the task may come first
        with pytest.raises(JobError) as error:
            run(spec, picky)
        if "TaskNotRunningException" not in str(error.value):
            break
    assert str(tmp_path / "in" / "part") in str(error.value)
    assert "\tat " not in str(error.value)


TYPES = {
    "d": "DECIMAL(6, 2)",
    "day": "DATE",
    "clock": "TIME",
    "at": "TIMESTAMP(3)",
    "moment": "TIMESTAMP_LTZ(3)",
    "flag": "BOOLEAN",
    "raw": "BYTES",
    "many": "ARRAY<STRING>",
    "counts": "MAP<STRING, INT>",
    "floats": "ARRAY<FLOAT>",
}
VALUES = {
    "d": 1.5,
    "day": "2024-02-29",
    "clock": "12:30:01",
    "at": "2024-02-29 12:30:01.5",
    "moment": "2024-02-29 12:30:01.5Z",
    "flag": True,
    "raw": "aGk=",
    "many": ["a", None],
    "counts": {"k": 1},
    "floats": [0.1, -2.5],
}


def test_columns_of_every_type_come_through_our_decoder_as_through_flinks(
    tmp_path: Path, picky: dict[str, Path]
) -> None:
    columns = [*SCHEMA, *({"name": name, "type": kind} for name, kind in TYPES.items())]
    full = json.dumps({"id": 1, "x": 4.0, **VALUES})
    write(tmp_path / "in", full, '{"id": 2, "x": 9.0, "floats": [1.5, 2.5]}')
    found = {}
    for choice in ("Fail", "Drop"):
        spec = pipeline(
            tmp_path / "in",
            tmp_path / choice,
            source={"schema": columns},
            inference={"onError": choice},
        )
        spec["flink"] = {"configuration": {"table.local-time-zone": "Europe/Berlin"}}
        run(spec, picky)
        found[choice] = sorted(rows(tmp_path / choice / "scored"), key=lambda row: row["id"])
    assert found["Drop"] == found["Fail"]
    assert found["Drop"][0]["moment"] == "2024-02-29 12:30:01.5Z"


def test_what_is_written_beside_the_model_is_what_flink_writes(
    tmp_path: Path, picky: dict[str, Path]
) -> None:
    kinds = {"s": "STRING", "flag": "BOOLEAN", "d": "DOUBLE", "a": "ARRAY<FLOAT>"}
    columns = [*SCHEMA, *({"name": name, "type": kind} for name, kind in kinds.items())]
    lines = [
        json.dumps({"id": n, "x": n / 7, "s": f"ü{n}\n", "flag": n > 3, "d": 1e-9, "a": [n, None]})
        for n in range(9)
    ]
    write(tmp_path / "in", *lines, '{"id": 9, "x": 1e8}')
    found = {}
    for choice in ("Fail", "Drop"):
        spec = pipeline(
            tmp_path / "in",
            tmp_path / choice,
            source={"schema": columns},
            inference={"onError": choice, "keep": ["s", "id", "flag", "a", "d"]},
        )
        inserts = built(spec, picky).inserts
        assert inserts is not None
        assert ("fields=[record]" in inserts.explain()) == (choice == "Drop")
        run(spec, picky)
        files = [each for each in (tmp_path / choice / "scored").rglob("*") if each.is_file()]
        found[choice] = sorted(line for each in files for line in each.read_bytes().splitlines())
    assert found["Drop"] == found["Fail"]
    assert len(found["Drop"]) == 10
