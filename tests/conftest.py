import gc
import os
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from tests.support import jvm_archive
from tests.support.jvm import end_flushers

# Every JVM of the tests lives for seconds: a third less work without the optimizing compiler.
os.environ.setdefault("JVM_ARGS", "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xshare:auto")

# How long an example takes says how busy the machine is, and nothing about the code.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

# The longest files, which begin first: no process is left alone with one of them at the end.
LONGEST = (
    # These two before what starts a JVM for the whole session, in a directory of its own.
    "integration/docs/test_tutorial.py",
    "integration/docs/test_code_blocks.py",
    "integration/models/test_leaks.py",
    "integration/online/test_online.py",
    "integration/job/test_kafka.py",
    "integration/cli/test_restore.py",
    "integration/cli/test_run.py",
    "integration/cli/test_bad_input.py",
    "integration/models/test_kinds.py",
    "integration/flink/test_recovery.py",
    "integration/cli/test_image_labels.py",
    "integration/cli/test_online_example.py",
    "integration/online/test_learner.py",
    "integration/online/test_restore.py",
    "integration/flink/test_infer.py",
    "integration/job/test_whole_files.py",
)


# What starts a control plane for all tests that follow in its process, so that few follow.
LAST = ("integration/apiserver", "integration/operator")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    root = Path(__file__).parent
    places = {root / name: place for place, name in enumerate(LONGEST)}
    last = [root / name for name in LAST]

    def place(item: pytest.Item) -> int:
        late = any(item.path.is_relative_to(each) for each in last)
        return places.get(item.path, len(LONGEST) + late)

    items.sort(key=place)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Before the fixtures, which may start a JVM for the whole session."""
    if item.get_closest_marker("flink"):
        jvm_archive.use()
    if "tensorflow" in sys.modules:
        settled(item.path)


@cache
def settled(path: Path) -> None:
    """Once for each file: what is there is kept out of the collector's sight.

    Whoever closes a model asks it to look, which takes 0.3 s over all that TensorFlow has made.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def _flink_can_be_started() -> Iterator[None]:
    """An embedded Flink leaves the marks of its Python workers on the process that it runs in.

    A process that is started later would inherit them: refuse to start a Flink of its own, or
    send its Python workers to this process, where one that is killed takes all tests along.
    And it leaves threads of theirs, although no job outlives its test.
    """
    yield
    for mark in ("PYFLINK_GATEWAY_DISABLED", "PYTHON_LOOPBACK_SERVER_ADDRESS"):
        os.environ.pop(mark, None)
    end_flushers()
