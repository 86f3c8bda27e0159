"""The metrics of a running job, as Flink's REST gives them."""

import json
import re
import shutil
import time
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from tests.support import models
from tests.support.flink import HUNG_UP, environment
from tests.support.jobs import cancelled
from tests.support.ports import held_port

from modelstream.failure import DeadLetter
from modelstream.flink.entry import infer
from modelstream.models import SavedModel

pytestmark = [pytest.mark.flink, HUNG_UP]
BY_TABLE, BY_STREAM = "picky", "picky-async"
# Few, early, and no two in a row: a batch of which every record fails would end the job.
REFUSED = (2, 4, 6)
NUMBERS = (
    f"CREATE TEMPORARY TABLE numbers (id INT, x AS CAST(IF(id IN {REFUSED}, -1, id) AS FLOAT)) "
    "WITH ('connector' = 'datagen', 'rows-per-second' = '200', "
    "'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '150000')"
)
DISTRIBUTIONS = ("batch_size", "encode_us", "inference_us", "output_us")


def get(port: int, path: str) -> Any:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=60) as response:
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
    # A copy of its own, because the second that opens a shared one may load it in no time.
    other = tmp_path / BY_STREAM
    shutil.copytree(models.picky(), other)
    with held_port() as port:
        options = {"rest.bind-port": str(port), "metrics.fetcher.update-interval": "200"}
        t_env = environment(options)
        t_env.execute_sql(NUMBERS)
        numbers = t_env.from_path("numbers")
        results = [
            infer(numbers, SavedModel(models.picky()), keep=["x"], on_error=DeadLetter()).scored,
            # Scored in a thread of their own, which Flink takes no counts from.
            t_env.from_data_stream(
                infer(
                    t_env.to_data_stream(numbers),
                    SavedModel(other),
                    keep=["x"],
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
        with cancelled(inserts.execute().get_job_client()) as job:
            for model in (BY_TABLE, BY_STREAM):
                wait_for_all_metrics(port, str(job.get_job_id()), model)


def wait_for_all_metrics(port: int, job: str, model: str) -> None:
    """Until all is told: Flink fetches metrics now and then, and not all at one moment."""
    deadline = time.monotonic() + 180
    while not complete(metrics := model_metrics(port, job, model)):
        assert time.monotonic() < deadline, f"{model} does not tell all: {metrics}"
        time.sleep(0.1)


def complete(metrics: dict[str, str]) -> bool:
    return (
        int(metrics.get("records", 0)) > len(REFUSED)
        and metrics.get("failures") == metrics.get("dead_letters") == str(len(REFUSED))
        and int(metrics.get("batches", 0)) >= 1
        and int(metrics.get("model_load_ms", 0)) > 0
        and metrics.get("model_loaded") == "1"
        and all(re.search(r"count=[1-9]", metrics.get(name, "")) for name in DISTRIBUTIONS)
    )
