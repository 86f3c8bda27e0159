"""State and results on S3 as a pod's service account: a role and a token, no keys."""

import os
from pathlib import Path

import pytest
from tests.support import run_job, s3, sts

from modelstream.pod import configuration

pytestmark = pytest.mark.flink

PROGRAM = """
from pyflink.table import EnvironmentSettings, TableEnvironment

environment = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
environment.execute_sql(
    "CREATE TABLE scores (x INT) WITH "
    "('connector' = 'filesystem', 'format' = 'json', 'path' = 's3://bucket/out')"
)
environment.execute_sql("INSERT INTO scores VALUES (1), (2)").wait()
"""


def test_a_job_keeps_state_and_publishes_results_with_the_role_of_its_service_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "job.py"
    program.write_text(PROGRAM)
    with s3.server(tmp_path, "bucket") as store, sts.server(tmp_path) as service:
        plain = {key: value for key, value in store.options.items() if not key.endswith("-key")}
        monkeypatch.setenv("JVM_ARGS", f"{os.environ['JVM_ARGS']} {service.java_options}")
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        job = {
            "python": {"script": str(program)},
            "state": {"storage": "s3://bucket/state"},
            "flink": {"configuration": plain | configuration.web_identity(os.environ)},
        }
        with run_job.process(tmp_path, job, {}, {}) as process:
            code = process.wait(540)
        results = b"".join(store.read("bucket/out").values())

    assert code == 0, (tmp_path / "job.log").read_text()
    assert service.asked, "the token was changed for keys"
    assert results.split() == [b'{"x":1}', b'{"x":2}']
    assert "PUT /bucket/state/checkpoints/" in (tmp_path / "s3.log").read_text()
