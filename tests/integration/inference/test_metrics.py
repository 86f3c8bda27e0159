"""The metrics of a running job, as Flink's REST gives them."""

import json
import re
import shutil
import socket
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.support import models
from tests.support.flink import HUNG_UP, environment

from modelstream.deadletter import DeadLetter
from modelstream.inference import infer
from modelstream.model import SavedModel

pytestmark = [pytest.mark.flink, HUNG_UP]
BY_TABLE, BY_STREAM = "picky", "picky-async"
DISTRIBUTIONS = ("batch_size", "encode_us", "inference_us", "decode_us")


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


def get(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
        return json.load(response)


def model_metrics(port: int, job: str, model: str) -> dict[str, str]:
    group = f".modelstream.model.{model}."
    found: dict[str, str] = {}
    for vertex in get(port, f"/jobs/{job}")["vertices"]:
        path = f"/jobs/{job}/vertices/{vertex['id']}/metrics"
        names = [each["id"] for each in get(port, path) if group in each["id"]]
        if names:
            for each in get(port, f"{path}?get={','.join(names)}"):
                found[each["id"].rpartition(group)[2]] = each["value"]
    return found


def test_a_job_tells_what_its_models_do_whatever_thread_they_run_in(tmp_path: Path) -> None:
    port = free_port()
    t_env = environment({"rest.bind-port": str(port), "metrics.fetcher.update-interval": "200"})
    t_env.execute_sql(
        "CREATE TEMPORARY TABLE numbers (x FLOAT) WITH ('connector' = 'datagen', "
        "'rows-per-second' = '200', 'fields.x.min' = '-1', 'fields.x.max' = '10')"
    )
    picky, numbers = models.picky(), t_env.from_path("numbers")
    # An export of its own: whoever comes second to a model that is open waits for no load.
    another = shutil.copytree(picky, tmp_path / "picky")
    results = [
        infer(numbers, SavedModel(picky), on_error=DeadLetter()).scored,
        # Scored in a thread of their own, which Flink takes no counts from.
        t_env.from_data_stream(
            infer(
                t_env.to_data_stream(numbers),
                SavedModel(another, name=BY_STREAM),
                on_error=DeadLetter(),
                path="async",
            ).scored
        ),
    ]
    t_env.execute_sql(
        "CREATE TEMPORARY TABLE nowhere (x FLOAT, root FLOAT) WITH ('connector' = 'blackhole')"
    )
    inserts = t_env.create_statement_set()
    for result in results:
        inserts.add_insert("nowhere", result)
    job = inserts.execute().get_job_client()
    try:
        for model in (BY_TABLE, BY_STREAM):
            deadline = time.monotonic() + 180
            metrics: dict[str, str] = {}
            while not told(metrics):
                assert time.monotonic() < deadline, f"the metrics never came: {metrics}"
                metrics = model_metrics(port, str(job.get_job_id()), model)
    finally:
        job.cancel().result()


def told(metrics: dict[str, str]) -> bool:
    """Both kinds of record have come, each failure is a dead letter, and all of it was timed.

    Not a moment before: the source draws at random, and Flink may look between two counts.
    """
    count = {name: int(value) for name, value in metrics.items() if value.isdigit()}
    return (
        1 <= count.get("failures", 0) == count.get("dead_letters") < count.get("records", 0)
        and count.get("batches", 0) >= 1
        and count.get("model_loaded") == 1
        and count.get("model_load_ms", 0) > 0
        and all(re.search(r"count=[1-9]", metrics.get(name, "")) for name in DISTRIBUTIONS)
    )
