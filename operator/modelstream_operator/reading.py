"""Whether a spec can be worked with: read, checked, and rendered once."""

import logging

from modelstream_crds.v1alpha1 import ModelStream
from modelstream_operator.decide.acceptance import MOST, SpecRefusedError, accepted
from modelstream_operator.decide.refusals import refusals
from modelstream_operator.render import Target
from modelstream_operator.render.revision import revision_of
from modelstream_operator.resources import Manifest
from modelstream_operator.settings import Settings

logger = logging.getLogger(__name__)


def workable(manifest: Manifest, settings: Settings) -> ModelStream:
    """The resource as the operator reads it.

    Raises:
        SpecRefusedError: it cannot be worked with.
    """
    stream = accepted(manifest)
    target = Target(stream, manifest, settings)
    try:
        found = list(refusals(target)) or _unrendered(target)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        # No schema knows a podTemplate, and the job that runs is served whatever is in it.
        meta = manifest["metadata"]
        logger.warning(
            "%s/%s: it cannot be rendered", meta["namespace"], meta["name"], exc_info=True
        )
        found = [
            f"spec: pods cannot be made of it ({error!r}): compare"
            " spec.flink.jobManager.podTemplate and spec.flink.taskManager.podTemplate with a Pod,"
            " field by field"
        ]
    if found:
        raise SpecRefusedError("; ".join(found)[:MOST])
    return stream


def _unrendered(target: Target) -> list[str]:
    revision_of(target)
    return []
