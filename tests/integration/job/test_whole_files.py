import base64
from pathlib import Path
from typing import Any

import pytest
from tests.support.flink import stopped, until
from tests.support.jobs import built, model, place, rows, run, running
from tests.support.s3 import ACCESS_KEY, S3, SECRET_KEY

pytestmark = pytest.mark.flink

SOON = {
    "sink.rolling-policy.rollover-interval": "200 ms",
    "sink.rolling-policy.check-interval": "200 ms",
}


def spec(source: str, scored: str, dead: str, **options: str) -> dict[str, Any]:
    def sink(path: str) -> dict[str, Any]:
        return {"connector": "filesystem", "format": "json", "options": {"path": path, **SOON}}

    columns = [
        {"name": "content", "type": "STRING"},
        {"name": "path", "type": "STRING", "metadata": "file.path"},
        {"name": "size", "type": "BIGINT", "metadata": "file.size"},
        {"name": "changed", "type": "TIMESTAMP_LTZ(3)", "metadata": "file.modification-time"},
    ]
    return {
        "models": [model("shout")],
        "pipeline": {
            "source": {
                "connector": "filesystem",
                "format": "file",
                "schema": columns,
                "options": {"path": source, **options},
            },
            "inference": {
                "model": "shout",
                "inputs": {"text": "content"},
                "outputs": {"loud": "loud"},
                "keep": ["path", "size", "changed"],
                "onError": "DeadLetter",
            },
            "sink": sink(scored),
            "deadLetter": sink(dead),
        },
    }


def test_each_file_is_a_record_also_an_empty_one_and_one_that_comes_later(
    tmp_path: Path, shout: dict[str, Path]
) -> None:
    files, scored, dead = tmp_path / "in", tmp_path / "scored", tmp_path / "dead"
    (files / "deep").mkdir(parents=True)
    (files / "a.txt").write_text("one\ntwo")
    (files / "deep" / "empty.txt").touch()
    (files / "bad.txt").write_bytes(b"\xff\xfe")
    (files / "link.txt").symlink_to(files / "nothing")
    (files / ".hidden").touch()
    monitored = spec(str(files), str(scored), str(dead), **{"source.monitor-interval": "200 ms"})
    monitored["state"] = {"storage": "pvc://state/x", "checkpointInterval": "500ms"}
    with running(monitored, shout, mounts={"state": tmp_path}):
        until(lambda: len(rows(scored)) == 2 and len(rows(dead)) == 2, "the files that are there")
        place(files / "new.txt", b"new")
        until(lambda: len(rows(scored)) == 3, "the file that came later")
    found = {row["path"]: row["loud"] for row in rows(scored)}
    assert found == {
        str(files / "a.txt"): "ONE\nTWO",
        str(files / "deep" / "empty.txt"): "",
        str(files / "new.txt"): "NEW",
    }
    letters = {base64.b64decode(row["key"]).decode(): row["message"] for row in rows(dead)}
    assert set(letters) == {str(files / "bad.txt"), str(files / "link.txt")}
    assert "is not UTF-8 text" in letters[str(files / "bad.txt")]
    assert "cannot be read" in letters[str(files / "link.txt")]


def test_a_sink_that_fails_half_way_goes_on_from_the_checkpoint(
    tmp_path: Path, shout: dict[str, Path]
) -> None:
    files, scored, kept = tmp_path / "in", tmp_path / "scored", tmp_path / "kept"
    files.mkdir()
    kept.mkdir()
    point(scored, kept)
    (files / "before.txt").write_text("before")
    options = {"source.monitor-interval": "200 ms"}
    job = spec(str(files), str(scored), str(tmp_path / "dead"), **options)
    job["state"] = {"storage": "pvc://state/x", "checkpointInterval": "500ms"}
    with running(job, shout, mounts={"state": tmp_path}) as client:
        until(lambda: len(rows(scored)) == 1, "the first file")
        point(scored, files / "before.txt")  # the sink finds a file where its directory was
        place(files / "during.txt", b"during")
        until(lambda: not is_running(client), "the failure")
        point(scored, kept)
        place(files / "after.txt", b"after")
        until(lambda: len(rows(scored)) >= 3, "the rows after the restart")
    assert sorted(row["loud"] for row in rows(scored)) == ["AFTER", "BEFORE", "DURING"]


@pytest.mark.parametrize("parallelism", [1, 2])
def test_a_new_job_goes_on_behind_the_files_that_the_savepoint_has_seen(
    tmp_path: Path, shout: dict[str, Path], parallelism: int
) -> None:
    files, scored = tmp_path / "in", tmp_path / "scored"
    files.mkdir()
    (files / "before.txt").write_text("before")
    options = {"source.monitor-interval": "200 ms"}
    job = spec(str(files), str(scored), str(tmp_path / "dead"), **options)
    job["state"] = {"storage": "pvc://state/x", "checkpointInterval": "500ms"}
    first = built(job, shout, mounts={"state": tmp_path})
    client = first.submit()
    until(lambda: len(rows(scored)) == 1, "the first file")
    savepoint = stopped(client, tmp_path / "savepoints")
    (files / "after.txt").write_text("after")
    again = {"mounts": {"state": tmp_path}, "restore_from": savepoint, "parallelism": parallelism}
    with running(job, shout, **again):
        until(lambda: len(rows(scored)) >= 2, "the file that came later")
    assert sorted(row["loud"] for row in rows(scored)) == ["AFTER", "BEFORE"]


def point(link: Path, target: Path) -> None:
    """Make or turn a symbolic link, with no moment between at which the sink finds nothing."""
    new = link.with_name("new-link")
    new.symlink_to(target)
    new.replace(link)


def is_running(client: Any) -> bool:
    return str(client.get_job_status().result()).endswith("RUNNING")


def test_files_on_s3_go_through_the_model_to_s3(
    tmp_path: Path, shout: dict[str, Path], s3: S3
) -> None:
    for n in range(5):
        s3.write(f"bucket/in/{n}.txt", f"text {n}".encode())
    s3.write("bucket/in/skipped.md", b"")
    (tmp_path / "access-key").write_text(ACCESS_KEY)
    (tmp_path / "secret-key").write_text(SECRET_KEY)
    pattern = {"source.path.regex-pattern": r".*\.txt"}
    job = spec("s3://bucket/in", "s3://bucket/scored", "s3://bucket/dead", **pattern)
    keys = {f"s3.{key}": {"name": "s3", "key": key} for key in ("access-key", "secret-key")}
    plain = {key: value for key, value in s3.options.items() if key not in keys}
    job["flink"] = {"configuration": plain, "secretConfiguration": keys}
    run(job, shout, secret=lambda name, key: tmp_path / key)
    written = b"".join(s3.read("bucket/scored").values()).decode()
    assert sorted(line.split('"')[3] for line in written.splitlines()) == [
        f"s3://bucket/in/{n}.txt" for n in range(5)
    ]
    assert '"loud":"TEXT 4"' in written
