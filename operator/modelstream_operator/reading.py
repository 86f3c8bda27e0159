"""The spec as the operator reads it: checked, rendered once, and with what it names elsewhere."""

import logging
from dataclasses import dataclass, field, replace

from modelstream_crds.v1alpha1 import ConditionType, ConfigMapScript, ModelStream
from modelstream_operator.cluster import ApiError
from modelstream_operator.decide.acceptance import MOST, SpecRefusedError, accepted
from modelstream_operator.decide.problem import Problem, Reason
from modelstream_operator.decide.refusals import refusals
from modelstream_operator.render import Target
from modelstream_operator.render.config import Program
from modelstream_operator.render.revision import revision_of
from modelstream_operator.resources import Manifest, Ref
from modelstream_operator.settings import Settings

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reading:
    """The newest spec that can be worked with, and what is wrong with one that is newer."""

    generation: int = 0
    stream: ModelStream | None = None
    manifest: Manifest = field(default_factory=dict)
    """The resource that ``stream`` was read from."""
    refusal: str | None = None
    """Why the spec of this generation cannot be worked with."""
    program: Program | None = None
    """Contents of the ConfigMap that ``stream`` names."""
    missing: Problem | None = None
    """What of that which ``stream`` names is not there, or cannot be read."""
    other: Manifest | None = None
    """The ModelStream whose state ``stream`` is to begin with."""

    @property
    def source(self) -> ConfigMapScript | None:
        """The ConfigMap that the program is in."""
        python = self.stream.spec.python if self.stream else None
        return python.config_map if python else None

    def with_program(self, found: Program | None) -> "Reading":
        """The same, once it is known what that ConfigMap holds."""
        if self.source is None:
            return self
        return replace(self, program=found, missing=_missing(self.source, found))

    def without(self, there: Ref, reason: Reason, error: ApiError) -> "Reading":
        """The same, as long as what it names cannot be read: what runs is served meanwhile."""
        text = f"{there} cannot be read: {error}; it is tried again, and what runs goes on"
        return replace(self, missing=Problem(ConditionType.JOB_RUNNING, reason, text))


def workable(manifest: Manifest, settings: Settings) -> ModelStream:
    """A resource that keeps the rules, and of which pods can be made.

    Raises:
        SpecRefusedError: it cannot be worked with; says where, and what to write instead.
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


def _missing(source: ConfigMapScript, found: Program | None) -> Problem | None:
    keys = sorted(key for part in (found or {}).values() for key in part)
    if source.key in keys:
        return None
    if found is None:
        text = "does not exist: create it, or correct its name in spec.python.configMap"
    else:
        there = ", ".join(keys) or "nothing"
        text = f"has no key {source.key}, but {there}: correct spec.python.configMap.key"
    text = f"ConfigMap {source.name} {text}"
    return Problem(ConditionType.JOB_RUNNING, Reason.CONFIG_MAP_NOT_FOUND, text)
