"""What the models are: digest and signatures, checked before Flink starts.

An init container runs it; its termination message is what ``status.models`` shows.
"""

import json
from pathlib import Path

from modelstream.job.models import Verified, place, verified
from modelstream.models import DEFAULT_SIGNATURE
from modelstream.pod.failure import LIMIT, PodError
from modelstream_crds import v1alpha1 as api
from modelstream_crds.podreasons import PodReason


def verify(manifest: api.ModelStream, root: Path) -> list[Verified]:
    """Read every model of the manifest.

    Raises:
        DigestMismatchError: the files are not those that the manifest names.
        ModelError: there is no model, or it cannot be read.
    """
    return [verified(each, place(each, root)) for each in manifest.spec.models]


def compare(models: list[Verified], known: Path) -> None:
    """Let no pod go on with other models than the first ones of its run have.

    ``known`` has a file with a digest for each model, or is empty for the first pods.

    Raises:
        PodError: a model is another one here.
    """
    for each in models:
        try:
            expected = (known / each.name).read_text(encoding="ascii").strip()
        except FileNotFoundError:
            continue
        if each.digest != expected:
            raise PodError(
                PodReason.MODELS_DIFFER,
                f"model {each.name} is {each.digest} now, and {expected} in the pods that run: its"
                " contents were changed meanwhile. Put them back and delete this pod, or load what"
                " there is now into all by another spec.restartNonce",
            )


def message(models: list[Verified], limit: int = LIMIT) -> str:
    """The models as JSON in at most ``limit`` bytes.

    Where they do not fit, each model keeps its name and digest and as many signatures as there is
    room for, the default one first.
    """
    for most in (None, 16, 4, 1, 0):
        entries = [_entry(each, most) for each in models]
        text = json.dumps({"models": entries}, separators=(",", ":"))
        if len(text.encode()) <= limit:
            return text
    return json.dumps({"models": []})


def _entry(model: Verified, most: int | None) -> dict[str, str | list[str]]:
    signatures = sorted(model.signatures, key=lambda name: (name != DEFAULT_SIGNATURE, name))
    return {**model.described(), "signatures": signatures[:most]}
