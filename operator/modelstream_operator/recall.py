"""What is remembered stands in status, and a second time at what the present run is made of.

Status alone can be lost: a backup that was restored without it, a cluster that was moved. Whoever
then began anew would start a second job beside the first, and from nothing.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace

from modelstream_crds.v1alpha1 import ModelStreamStatus
from modelstream_operator.cache import Child
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.names import ANNOTATION_MEMORY
from modelstream_operator.resources import CONTROLLER_REVISION, DEPLOYMENT, Manifest, Ref


def with_memory(revision: Manifest, memory: Memory) -> Manifest:
    """What the present run is made of, with all that is to be remembered."""
    meta = revision["metadata"]
    kept = json.dumps(memory.written(), sort_keys=True)
    annotations = {**meta.get("annotations", {}), ANNOTATION_MEMORY: kept}
    return {**revision, "metadata": {**meta, "annotations": annotations}}


def remembered(told: Memory, there: Mapping[Ref, Child], uid: str) -> Memory:
    """What status says, put right where it was lost, is an older one, or lacks a part.

    Whatever a person has written into it stays. A status of an earlier run than there are
    Deployments of was restored from somewhere: to believe it would start that run beside them.
    """
    if told.step is Step.UNKNOWN:
        return told
    second = recalled(_second_places(told, there, uid), uid)
    if told.step is None or told.run < second.run:
        return second
    return _completed(told, second) if told.run == second.run else told


def _second_places(told: Memory, there: Mapping[Ref, Child], uid: str) -> Mapping[Ref, Child]:
    """Where more may be known: each is dear to read, and one is enough where nothing is amiss."""
    mine = (each for ref, each in there.items() if ref.kind == DEPLOYMENT.kind)
    last = max((each.run for each in mine if uid in each.owners), default=0)
    if told.step is None or not told.revision or told.run < last:
        return there
    return {ref: each for ref, each in there.items() if ref.name.endswith(f"-{told.revision}")}


def recalled(there: Mapping[Ref, Child], uid: str) -> Memory:
    """What the newest revision remembers; nothing where there is none."""
    return max(_memories(there, uid), key=lambda memory: memory.run, default=Memory())


def _memories(there: Mapping[Ref, Child], uid: str) -> Iterator[Memory]:
    for ref, each in there.items():
        if ref.kind != CONTROLLER_REVISION.kind or uid not in each.owners:
            continue
        annotations = each.manifest()["metadata"].get("annotations", {})
        try:
            yield Memory.of(ModelStreamStatus.model_validate_json(annotations[ANNOTATION_MEMORY]))
        except (KeyError, ValueError):  # it was never run, or somebody has edited it
            continue


def _completed(told: Memory, second: Memory) -> Memory:
    """With what never goes from a memory of the same run, but was taken out of status."""
    rests = told.step is Step.SUSPENDED
    return replace(
        told,
        job_id=told.job_id or second.job_id,
        revision=told.revision or second.revision,
        started=told.started or (None if rests else second.started),
        parallelism=told.parallelism or second.parallelism,
        restored_from=told.restored_from or second.restored_from,
        previous=told.previous or second.previous,
        ended=told.ended or second.ended,
        ready=told.ready or second.ready,
        took_less=told.took_less or second.took_less,
        restore_nonce=max(told.restore_nonce, second.restore_nonce),
        savepoint_nonce=max(told.savepoint_nonce, second.savepoint_nonce),
    )
