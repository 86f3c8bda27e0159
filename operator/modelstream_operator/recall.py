"""What is remembered stands in status, and a second time at what the present run is made of.

Status alone can be lost: a backup that was restored without it, a cluster that was moved. Whoever
then began anew would start a second job beside the first, and from nothing.
"""

import json
from collections.abc import Mapping

from modelstream_crds.v1alpha1 import ModelStreamStatus
from modelstream_operator.cache import Child
from modelstream_operator.decide.memory import Memory
from modelstream_operator.names import ANNOTATION_MEMORY
from modelstream_operator.resources import CONTROLLER_REVISION, Manifest, Ref


def with_memory(revision: Manifest, memory: Memory) -> Manifest:
    """What the present run is made of, with all that is to be remembered."""
    meta = revision["metadata"]
    kept = json.dumps(memory.written(), sort_keys=True)
    annotations = {**meta.get("annotations", {}), ANNOTATION_MEMORY: kept}
    return {**revision, "metadata": {**meta, "annotations": annotations}}


def recalled(there: Mapping[Ref, Child], uid: str) -> Memory:
    """What the newest revision remembers; nothing where there is none."""
    mine = (each for ref, each in there.items() if ref.kind == CONTROLLER_REVISION.kind)
    found = [each.manifest() for each in mine if uid in each.owners]
    kept = [each["metadata"].get("annotations", {}).get(ANNOTATION_MEMORY) for each in found]
    known = [Memory.of(ModelStreamStatus.model_validate_json(each)) for each in kept if each]
    return max(known, key=lambda memory: memory.run, default=Memory())
