"""What is left out of the operator's log."""

import logging

import pytest

from modelstream_operator.logs import WAITS, is_news


@pytest.mark.parametrize(
    ("logger", "message", "told"),
    [
        pytest.param("kopf.objects", "Handler 'delete' failed temporarily: %s", False, id="waits"),
        pytest.param("kopf.objects", "Handler 'delete' failed temporarily: 503", True, id="fails"),
        pytest.param("modelstream_operator.reconcile", "a/b: Deleting: %s", True, id="of the loop"),
    ],
)
def test_a_deletion_that_waits_is_no_error(logger: str, message: str, told: bool) -> None:
    arguments = (WAITS,) if "%s" in message else ()
    record = logging.LogRecord(logger, logging.ERROR, __file__, 1, message, arguments, None)
    assert is_news(record) is told
