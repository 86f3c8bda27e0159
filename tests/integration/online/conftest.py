from collections.abc import Iterator

import pytest
from tests.support.online import nondeterministic


@pytest.fixture(autouse=True)
def _only_here() -> Iterator[None]:
    with nondeterministic():
        yield
