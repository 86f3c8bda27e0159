from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import kafka as kafka_server
from tests.support import models
from tests.support import s3 as s3_server
from tests.support.jvm import flink_jvm
from tests.support.kafka import Kafka
from tests.support.s3 import S3


@pytest.fixture(scope="session", autouse=True)
def jvm() -> Iterator[None]:
    with flink_jvm():
        yield


@pytest.fixture(scope="session")
def kafka(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kafka]:
    with kafka_server.broker(tmp_path_factory.mktemp("kafka")) as broker:
        yield broker


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server.server(tmp_path_factory.mktemp("s3"), "bucket") as server:
        yield server


@pytest.fixture(scope="session")
def picky() -> dict[str, Path]:
    """x float32[?] → root float32[?]; a negative value makes the call fail."""
    return {"picky": models.picky()}


@pytest.fixture(scope="session")
def shout() -> dict[str, Path]:
    """Text string[?] → loud string[?], length int32[?]."""
    return {"shout": models.shout()}


@pytest.fixture
def in_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python functions run in processes of their own, as in a cluster."""
    monkeypatch.setenv("_python_worker_execution_mode", "process")
