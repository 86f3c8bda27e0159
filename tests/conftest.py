import os
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings
from tests.support import jvm_archive

# Every JVM of the tests lives for seconds: a third less work without the optimizing compiler.
os.environ.setdefault("JVM_ARGS", "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto")

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before the fixtures, which may start a JVM for the whole session."""
    if item.get_closest_marker("flink"):
        jvm_archive.use()


@pytest.fixture(autouse=True)
def _flink_can_be_started() -> Iterator[None]:
    """An embedded Flink leaves the marks of its Python workers on the process that it runs in.

    A process that is started later would inherit them: refuse to start a Flink of its own, or
    send its Python workers to this process, where one that is killed takes all tests along.
    """
    yield
    for mark in ("PYFLINK_GATEWAY_DISABLED", "PYTHON_LOOPBACK_SERVER_ADDRESS"):
        os.environ.pop(mark, None)
