"""A short hash of a JSON value, and of a manifest."""

import hashlib

import orjson

from modelstream_operator.names import ANNOTATION_APPLIED
from modelstream_operator.resources import Manifest


def digest(value: object) -> str:
    """Equal for equal values, whatever the order of their keys."""
    text = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(text).hexdigest()[:16]


def signed(manifest: Manifest) -> Manifest:
    """The manifest with its own hash, which tells later whether it must be applied again."""
    meta = manifest["metadata"]
    annotations = {**meta.get("annotations", {}), ANNOTATION_APPLIED: digest(manifest)}
    return {**manifest, "metadata": {**meta, "annotations": annotations}}
