from collections.abc import Iterator

import pytest
from tests.support.jvm import import_noisy

from modelstream import embedded


@pytest.fixture
def without_flink() -> Iterator[None]:
    """Functions are called as Flink would, in a process that has noted no error."""
    import_noisy()
    embedded.forget()
    yield
    embedded.forget()
