import os

import pytest


@pytest.fixture(autouse=True)
def _flink_can_be_started() -> None:
    """An embedded Flink leaves the mark of its Python workers on the process that it runs in.

    A process that a later test starts would inherit it, and refuse to start a Flink of its own.
    """
    os.environ.pop("PYFLINK_GATEWAY_DISABLED", None)
