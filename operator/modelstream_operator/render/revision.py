"""What a run is made of, kept as a ControllerRevision: it heals the run and starts it again.

Rendering anew could not do that: a newer operator renders otherwise, and the pods of a job that
runs would be replaced for nothing. Only what belongs to a single run is left open, by named gaps.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from modelstream_operator import names
from modelstream_operator.render.config import config_map, program_map, program_of, run_spec
from modelstream_operator.render.jobmanager import jobmanager_deployment
from modelstream_operator.render.rbac import role, role_binding
from modelstream_operator.render.services import jobmanager_service
from modelstream_operator.render.signature import digest
from modelstream_operator.render.target import Target
from modelstream_operator.render.taskmanager import taskmanager_deployment
from modelstream_operator.resources import CONFIG_MAP, CONTROLLER_REVISION, Manifest


class Gap(StrEnum):
    """What a run fills in."""

    RUN = "{{modelstream:run}}"
    JOB = "{{modelstream:job}}"
    RESTORE_FROM = "{{modelstream:restore-from}}"
    RESTORE_NEWEST = "{{modelstream:restore-newest}}"
    RESTORE_ELSE = "{{modelstream:restore-else}}"
    RESTORE_LESS = "{{modelstream:restore-less}}"
    PARALLELISM = "{{modelstream:parallelism}}"


@dataclass(frozen=True)
class Revision:
    """A spec that was, or is to be, deployed, and the objects of a run of it."""

    id: str
    """Equal where both are equal."""

    spec: Manifest
    """As it was written, without the fields that concern no run."""

    children: list[Manifest]
    """With gaps."""

    digests: Mapping[str, str] = field(default_factory=dict)
    """What the models of its last run were, once they were known."""

    def program(self, stream: str) -> Mapping[str, Any] | None:
        """The contents of the ConfigMap that its runs have their program from."""
        name = names.program(stream, Gap.RUN)
        for each in self.children:
            if (each["kind"], each["metadata"]["name"]) == (CONFIG_MAP.kind, name):
                return program_of(each)
        return None

    def manifest(self, target: Target) -> Manifest:
        """The object that keeps it; its data cannot be changed."""
        data = {"spec": self.spec, "children": self.children}
        name = names.revision(target.name, self.id)
        made = target.child(CONTROLLER_REVISION, name, data=data, revision=target.run)
        if self.digests:  # data cannot be changed, and they are known only later
            known = json.dumps(dict(self.digests), sort_keys=True)
            made["metadata"]["annotations"] = {names.ANNOTATION_DIGESTS: known}
        return made


def read(manifest: Manifest) -> Revision:
    """Read the revision that a ControllerRevision keeps.

    Raises:
        KeyError: this operator did not write it.
    """
    data, meta = manifest["data"], manifest["metadata"]
    digests = _digests(meta.get("annotations", {}).get(names.ANNOTATION_DIGESTS, "{}"))
    return Revision(meta["name"].rpartition("-")[2], data["spec"], data["children"], digests)


def _digests(text: str) -> Mapping[str, str]:
    """Nothing of a text that somebody has edited: then the models are what there is."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def revision_of(target: Target) -> Revision:
    """What would be deployed now."""
    open_ = dataclasses.replace(
        target,
        run=Gap.RUN,
        job_id=Gap.JOB,
        restore_from=Gap.RESTORE_FROM,
        restore_newest=Gap.RESTORE_NEWEST,
        restore_else=Gap.RESTORE_ELSE,
        restore_less=Gap.RESTORE_LESS,
        running=True,
        parallelism_gap="" if target.spec.flink.parallelism else Gap.PARALLELISM,
    )
    made, spec = _run_manifests(open_), run_spec(target.manifest)
    return Revision(digest({"spec": spec, "children": made}), spec, made)


def _run_manifests(target: Target) -> list[Manifest]:
    """What each run has for itself."""
    found = [config_map(target)]
    if target.program is not None:
        found.append(program_map(target))
    if target.highly_available:
        found += [role(target), role_binding(target)]
    found.append(jobmanager_service(target))
    return [*found, jobmanager_deployment(target), taskmanager_deployment(target)]
