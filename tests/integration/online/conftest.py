from collections.abc import Iterator

import pytest
from tests.support.jvm import flink_jvm
from tests.support.online import nondeterministic


@pytest.fixture(autouse=True)
def _only_here() -> Iterator[None]:
    with nondeterministic():
        yield


@pytest.fixture(scope="session")
def jvm() -> Iterator[None]:
    with flink_jvm():
        yield
