"""Whether a resource can be worked with: what the API server's rules let through, checked again."""

from modelstream_crds.manifest import ManifestError, read
from modelstream_crds.v1alpha1 import ModelStream
from modelstream_operator.resources import Manifest

MOST = 1000
"""Characters of a refusal that a condition shows."""


class SpecRefusedError(Exception):
    """The spec cannot be worked with; the message says where and what to write instead."""


def accepted(manifest: Manifest) -> ModelStream:
    """The resource as its schema and its rules have it.

    Raises:
        SpecRefusedError: it breaks one of them.
    """
    meta = manifest["metadata"]
    whole = {
        "apiVersion": manifest["apiVersion"],
        "kind": manifest["kind"],
        "metadata": {"name": meta["name"], "namespace": meta["namespace"]},
        "spec": manifest.get("spec", {}),
    }
    try:
        return read(whole)
    except ManifestError as error:
        said = "; ".join(f"{problem.path}: {problem.message}" for problem in error.problems)
        raise SpecRefusedError(said[:MOST]) from error
