"""A model on disk against what the manifest says of it."""

from dataclasses import dataclass
from pathlib import Path

from modelstream.errors import DigestMismatchError
from modelstream.fetch import digest_of
from modelstream.job.models import model_at
from modelstream_crds.v1alpha1 import Model


@dataclass(frozen=True)
class Verified:
    """A model that is there, readable, and of the digest that was asked for."""

    name: str
    digest: str
    signatures: tuple[str, ...]

    def described(self) -> dict[str, str | list[str]]:
        """What ``status.models`` says of it."""
        return {"name": self.name, "digest": self.digest, "signatures": list(self.signatures)}


def verified(model: Model, path: Path) -> Verified:
    """Read the signatures and every byte of the model at ``path``.

    Raises:
        ModelError: there is no model, or it cannot be read.
        DigestMismatchError: it is another model than the manifest asks for.
    """
    found = model_at(path, model)
    digest = digest_of(path)
    if model.digest is not None and digest != model.digest:
        raise DigestMismatchError(
            f"model {model.name} at {path} is not the one that the manifest asks for: "
            f"expected {model.digest}, got {digest}"
        )
    return Verified(model.name, digest, tuple(sorted(found.signatures)))
