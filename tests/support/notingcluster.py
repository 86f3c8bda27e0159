"""A cluster in which a pod is made and deleted, and nothing comes of it."""

from dataclasses import dataclass, field

from modelstream_operator.cluster import ApiError
from modelstream_operator.resources import Manifest, Ref


@dataclass
class NotingCluster:
    """Notes what is made and deleted."""

    error: ApiError | None = None
    made: list[Manifest] = field(default_factory=list)
    deleted: list[Ref] = field(default_factory=list)

    async def create(self, manifest: Manifest) -> Manifest:
        if self.error is not None:
            raise self.error
        self.made.append(manifest)
        return manifest

    async def delete(self, ref: Ref) -> None:
        self.deleted.append(ref)
