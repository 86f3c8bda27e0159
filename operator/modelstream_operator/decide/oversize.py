"""A run that could not be kept: what it is made of is larger than an object can be. Pure."""

import json
import re
from collections.abc import Mapping
from typing import Any

from modelstream_operator.render.revision import Revision
from modelstream_operator.render.target import Target

MOST = 1_400_000
"""Bytes of a revision's data: etcd takes 1.5 MiB, and the object's metadata comes on top."""

_ESCAPED = re.compile("[<>&\u2028\u2029]")
"""What the API server writes as six bytes each."""


def too_large(target: Target, revision: Revision) -> str:
    """Why a revision cannot be kept, with the field that takes most of it; empty of one that can.

    Its ControllerRevision holds the spec twice, as it was written and as it was rendered, and the
    program as a JSON string.
    """
    size = stored_size({"spec": revision.spec, "children": revision.children})
    if size <= MOST:
        return ""
    path, _ = _largest("spec", {**revision.spec, **_with_program(target, revision)})
    return (
        f"{path}: with it what a run is made of takes {size // 1024} KiB, and {MOST // 1024} KiB"
        " can be stored: write less there; files can come in spec.flink.image, or on a claim"
    )


def stored_size(value: Any) -> int:
    """Bytes of a value as the API server stores it."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    return len(text.encode()) + 5 * len(_ESCAPED.findall(text))


def _with_program(target: Target, revision: Revision) -> dict[str, Any]:
    """The contents of ``python.configMap`` in the place of its name."""
    program = revision.program(target.name)
    return {"python": {"configMap": str(program)}} if program else {}


def _largest(path: str, value: Any) -> tuple[str, int]:
    """The field that has most of a value, as deep as one alone has more than the half of it."""
    size = stored_size(value)
    if not isinstance(value, Mapping) or not value:
        return path, size
    key = max(value, key=lambda each: stored_size(value[each]))
    if stored_size(value[key]) <= size / 2:
        return path, size
    return _largest(f"{path}.{key}", value[key])
