"""How often what a job publishes arrives, as far as its spec says. Pure."""

from typing import Final

from modelstream_crds.stream import Sink
from modelstream_crds.v1alpha1 import ModelStreamSpec

_AGAIN: Final = frozenset({"kafka", "upsert-kafka", "print", "blackhole"})
"""Connectors that publish again after a restart, unless an option says otherwise."""
_ONCE: Final = "exactly-once"


def may_publish_once(spec: ModelStreamSpec) -> bool:
    """Whether any leg may be exactly-once: of SQL and programs nobody knows."""
    if spec.pipeline is None:
        return True
    legs = (spec.pipeline.sink, spec.pipeline.dead_letter)
    return any(_once(leg) for leg in legs if leg is not None)


def _once(leg: Sink) -> bool:
    asked = any(str(value).lower() == _ONCE for value in leg.options.values())
    return asked or bool(leg.secret_options) or leg.connector not in _AGAIN
