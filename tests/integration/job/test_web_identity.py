"""State and results on S3 as a pod's service account: a role and a token, no keys."""

import os
from pathlib import Path

import pytest
from tests.support import run_job, sts
from tests.support.s3 import S3

from modelstream.pod import configuration

pytestmark = pytest.mark.flink

STATEMENTS = """
CREATE TABLE scores (x INT)
WITH ('connector' = 'filesystem', 'format' = 'json', 'path' = 's3://bucket/identity/out');
INSERT INTO scores VALUES (1), (2)
"""


def test_a_job_keeps_state_and_publishes_results_with_the_role_of_its_service_account(
    tmp_path: Path, s3: S3, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = {key: value for key, value in s3.options.items() if not key.endswith("-key")}
    with sts.server(tmp_path) as service:
        monkeypatch.setenv("JVM_ARGS", f"{os.environ['JVM_ARGS']} {service.java_options}")
        for name, value in service.environment.items():
            monkeypatch.setenv(name, value)
        job = {
            "sql": {"statements": STATEMENTS},
            "state": {"storage": "s3://bucket/identity/state"},
            "flink": {"configuration": plain | configuration.web_identity(os.environ)},
        }
        with run_job.process(tmp_path, job, {}, {}) as process:
            code = process.wait(120)
        asked = service.asked

    assert code == 0, (tmp_path / "job.log").read_text()
    assert asked, "the token was changed for keys"
    assert b"".join(s3.read("bucket/identity/out").values()).split() == [b'{"x":1}', b'{"x":2}']
    assert s3.read("bucket/identity/state")
