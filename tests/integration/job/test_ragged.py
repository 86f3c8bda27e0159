"""A manifest's pipeline into a model that takes rows of different length."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support import ragged
from tests.support.jobs import model, rows, run

from modelstream.errors import SignatureMismatchError

pytestmark = pytest.mark.flink


def files(path: Path, **more: Any) -> dict[str, Any]:
    options = {"path": str(path)}
    return {"connector": "filesystem", "format": "json", "options": options, **more}


def spec(tmp_path: Path, column_type: str) -> dict[str, Any]:
    schema = [{"name": "id", "type": "BIGINT"}, {"name": "tokens", "type": column_type}]
    return {
        "models": [model("words")],
        "pipeline": {
            "source": files(tmp_path / "in", schema=schema),
            "inference": {
                "model": "words",
                "method": "Regress",
                "signature": "regress",
                "inputs": {"words": "tokens"},
                "outputs": {"length": "value"},
                "keep": ["id"],
                "onError": "DeadLetter",
                "batch": {"maxSize": 4, "allowedSizes": [2, 4]},
            },
            "sink": files(tmp_path / "scored"),
            "deadLetter": files(tmp_path / "dead"),
        },
    }


def test_rows_of_any_length_are_scored_and_each_bad_one_is_a_dead_letter(tmp_path: Path) -> None:
    lines = [
        {"id": 1, "tokens": ["to", "be"]},
        {"id": 2, "tokens": []},
        {"id": 3, "tokens": None},
        {"id": 4, "tokens": ["much", "too", "long"]},
        {"id": 5, "tokens": ["a"] * 7},
    ]
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "part").write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    run(spec(tmp_path, "ARRAY<STRING>"), {"words": ragged.methods()})
    scored = {row["id"]: row["length"] for row in rows(tmp_path / "scored")}
    assert scored == {1: 4, 2: 0, 5: 7}
    letters = {row["stage"]: row["message"] for row in rows(tmp_path / "dead")}
    assert letters.keys() == {"encode", "inference"}
    assert letters["encode"].endswith("it is null")
    assert "too long" in letters["inference"]


def test_a_column_of_another_rank_is_refused_before_the_job_runs(tmp_path: Path) -> None:
    refused = pytest.raises(SignatureMismatchError, match=r"\(ragged string\[\?, \?\]\): it is a")
    with refused:
        run(spec(tmp_path, "STRING"), {"words": ragged.methods()})
