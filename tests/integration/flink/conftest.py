from collections.abc import Iterator

import pytest
from tests.support.jvm import flink_jvm


@pytest.fixture(scope="session", autouse=True)
def jvm() -> Iterator[None]:
    with flink_jvm():
        yield
