import os
from pathlib import Path

import hypothesis
import pytest

HERE = Path(__file__).parent
# Every JVM of the tests lives for seconds: a third less work without the optimizing compiler.
os.environ.setdefault("JVM_ARGS", "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto")

# A machine that others use too makes an example slow now and then: that is no defect.
hypothesis.settings.register_profile("modelstream", deadline=None)
hypothesis.settings.load_profile("modelstream")


@pytest.fixture(autouse=True)
def _flink_can_be_started() -> None:
    """An embedded Flink leaves the mark of its Python workers on the process that it runs in.

    A process that a later test starts would inherit it, and refuse to start a Flink of its own.
    """
    os.environ.pop("PYFLINK_GATEWAY_DISABLED", None)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What shares a server stays in one worker (pytest -n): a file, or the operator's directory."""
    for item in items:
        shared = item.path.parent if item.path.parent.name == "operator" else item.path
        item.add_marker(pytest.mark.xdist_group(str(shared.relative_to(HERE))))
