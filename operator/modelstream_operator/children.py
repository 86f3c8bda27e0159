"""The objects that a ModelStream owns, made equal to a plan."""

import asyncio
import functools
import logging
from collections.abc import Coroutine, Mapping, Sequence
from dataclasses import dataclass, field

from modelstream_operator.acts import each_of, refusable, refusal
from modelstream_operator.cache import Child, version_of
from modelstream_operator.cluster import ApiError, Cluster
from modelstream_operator.decide.children import lost_part, refused
from modelstream_operator.decide.drift import is_as_applied
from modelstream_operator.decide.problem import Problem
from modelstream_operator.names import ANNOTATION_APPLIED
from modelstream_operator.resources import CONTROLLER_REVISION, ROLE, Key, Manifest, Ref

logger = logging.getLogger(__name__)

_FIRST = {ROLE.kind, CONTROLLER_REVISION.kind}


@dataclass(frozen=True)
class Plan:
    """What there is to be."""

    desired: Sequence[Manifest]
    whole: bool = True
    """Whether everything else that is owned has to go."""
    kept: frozenset[Ref] = frozenset()
    """What stays as it is."""


@dataclass
class Children:
    """Those of one object, and what is remembered of them while the operator runs."""

    key: Key
    applied: dict[Ref, tuple[str, str]] = field(default_factory=dict)
    """Hash that was applied, and the version that the API server made of it."""
    refused: dict[Ref, Problem] = field(default_factory=dict)

    async def make(
        self, cluster: Cluster, plan: Plan, there: Mapping[Ref, Child], uid: str
    ) -> None:
        """Make them equal to the plan; those that left it go."""
        desired = {Ref.of(each): each for each in plan.desired}
        for ref in self.refused.keys() - desired.keys() if plan.whole else ():
            del self.refused[ref]
        differing = {
            ref: self._apply(cluster, ref, manifest, force=ref in there)
            for ref, manifest in desired.items()
            if self._differs(ref, manifest, there.get(ref), uid)
        }
        # A RoleBinding is refused as long as its Role is not there, and a run without its revision
        # could not be healed.
        first = [apply for ref, apply in differing.items() if ref.kind in _FIRST]
        rest = [apply for ref, apply in differing.items() if ref.kind not in _FIRST]
        for done in (await _together(first)) + (await _together(rest)):
            if done is not None:
                raise done
        if plan.whole:
            left = [ref for ref, child in there.items() if child.is_for(uid)]
            stays = desired.keys() | plan.kept
            await self.remove(cluster, [ref for ref in left if ref not in stays])

    async def remove(self, cluster: Cluster, refs: Sequence[Ref]) -> None:
        """Delete what is no longer wanted."""
        await each_of(*(functools.partial(self._remove, cluster, ref) for ref in refs))

    async def _remove(self, cluster: Cluster, ref: Ref) -> None:
        logger.info("%s/%s: %s left the plan", *self.key, ref)
        await refusable(ref, cluster.delete(ref), self.refused)
        self.applied.pop(ref, None)

    def _differs(self, ref: Ref, manifest: Manifest, child: Child | None, uid: str) -> bool:
        """Whether a child has to be applied: it is missing, is another one, or was changed."""
        if child is None:
            return True
        if not child.is_for(uid):
            message = "one of the same name belongs to another object"
            self.refused[ref] = refused(ref, message)
            return False
        known = manifest["metadata"]["annotations"][ANNOTATION_APPLIED], child.version
        if ref not in self.applied and is_as_applied(manifest, child.manifest()):
            self.applied[ref] = known
            self.refused.pop(ref, None)
        return ref in self.refused or self.applied.get(ref) != known

    async def _apply(self, cluster: Cluster, ref: Ref, manifest: Manifest, *, force: bool) -> None:
        try:
            answer = await cluster.apply(manifest, force=force)
        except ApiError as error:
            if not error.refused:
                raise
            self.refused[ref] = refusal(ref, error)
            return
        signature = manifest["metadata"]["annotations"][ANNOTATION_APPLIED]
        self.applied[ref] = (signature, version_of(answer))
        self.refused.pop(ref, None)
        if lost := lost_part(manifest, answer):
            self.refused[ref] = lost


async def _together(applies: list[Coroutine[None, None, None]]) -> list[BaseException | None]:
    """All at once; one that fails keeps no other from being done."""
    return await asyncio.gather(*applies, return_exceptions=True)
