"""Log lines as JSON objects that name the ModelStream they are about."""

import logging

import kopf

from modelstream_crds.names import API_VERSION, KIND
from modelstream_operator.service import SERVED
from modelstream_operator.settings import Settings

WAITS = "waiting for the pods to end"
"""What a deletion says that goes on."""


def configure(settings: Settings) -> None:
    """Set up logging for the whole process."""
    level = settings.log_level.upper()
    kopf.configure(
        debug=level == "DEBUG",
        quiet=level in {"WARNING", "ERROR"},
        log_format=kopf.LogFormat.JSON if settings.log_json else kopf.LogFormat.FULL,
        log_refkey="object",
    )
    for handler in logging.getLogger().handlers:
        handler.addFilter(name_object)
        handler.addFilter(is_news)
    # Kopf reports each handler and probe that succeeds; the loop's own lines say what happened.
    for name in ("kopf.objects", "kopf.activities", "aiohttp.access"):
        logging.getLogger(name).setLevel(logging.WARNING)


def name_object(record: logging.LogRecord) -> bool:
    """Add the object that the present task serves, where kopf has not."""
    key = SERVED.get()
    if key is not None and not hasattr(record, "k8s_ref"):
        record.k8s_ref = {
            "apiVersion": API_VERSION,
            "kind": KIND,
            "namespace": key.namespace,
            "name": key.name,
        }
    return True


def is_news(record: logging.LogRecord) -> bool:
    """Whether a line tells something: kopf calls each look at a deletion that waits an error."""
    return not (record.name == "kopf.objects" and record.getMessage().endswith(WAITS))
