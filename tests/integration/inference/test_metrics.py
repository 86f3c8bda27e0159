"""The metrics of a running job, as Flink's REST gives them."""

import json
import re
import socket
import time
import urllib.request
from typing import Any

import pytest
from tests.support import models
from tests.support.flink import HUNG_UP, environment

from modelstream.deadletter import DeadLetter
from modelstream.inference import infer
from modelstream.model import SavedModel

pytestmark = [pytest.mark.flink, HUNG_UP]
GROUP = ".modelstream.model.picky."


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def get(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
        return json.load(response)


def model_metrics(port: int, job: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for vertex in get(port, f"/jobs/{job}")["vertices"]:
        path = f"/jobs/{job}/vertices/{vertex['id']}/metrics"
        names = [each["id"] for each in get(port, path) if GROUP in each["id"]]
        for name in names:
            for each in get(port, f"{path}?get={name}"):
                found[each["id"].rpartition(GROUP)[2]] = each["value"]
    return found


def test_a_job_tells_what_its_model_does() -> None:
    port = free_port()
    t_env = environment({"rest.bind-port": str(port), "metrics.fetcher.update-interval": "200"})
    t_env.execute_sql(
        "CREATE TEMPORARY TABLE numbers (x FLOAT) WITH ('connector' = 'datagen', "
        "'rows-per-second' = '200', 'fields.x.min' = '-1', 'fields.x.max' = '10')"
    )
    result = infer(t_env.from_path("numbers"), SavedModel(models.picky()), on_error=DeadLetter())
    t_env.execute_sql(
        "CREATE TEMPORARY TABLE nowhere (x FLOAT, root FLOAT) WITH ('connector' = 'blackhole')"
    )
    job = result.scored.execute_insert("nowhere").get_job_client()
    try:
        deadline = time.monotonic() + 180
        metrics: dict[str, str] = {}
        while int(metrics.get("failures", 0)) < 1 or metrics.get("model_loaded") != "1":
            assert time.monotonic() < deadline, f"the metrics never came: {metrics}"
            metrics = model_metrics(port, str(job.get_job_id()))
    finally:
        job.cancel().result()
    assert int(metrics["records"]) > int(metrics["failures"])
    assert metrics["dead_letters"] == metrics["failures"]
    assert int(metrics["batches"]) >= 1
    assert int(metrics["model_load_ms"]) > 0
    for name in ("batch_size", "encode_us", "inference_us", "decode_us"):
        assert re.search(r"count=[1-9]", metrics[name]), metrics[name]
