"""What the operator remembers of one object between two passes, as long as it runs."""

import logging
from collections.abc import Awaitable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from modelstream_operator.asking import Heard
from modelstream_operator.cache import Child
from modelstream_operator.children import Children
from modelstream_operator.decide.acceptance import SpecRefusedError
from modelstream_operator.decide.decision import Decision, Seen
from modelstream_operator.decide.memory import Memory
from modelstream_operator.decide.problem import Problem
from modelstream_operator.decide.status import read
from modelstream_operator.flink import FlinkError
from modelstream_operator.reading import Reading, workable
from modelstream_operator.recall import remembered
from modelstream_operator.resources import Key, Manifest, Ref
from modelstream_operator.settings import Settings
from modelstream_operator.wish import Wish

logger = logging.getLogger(__name__)


@dataclass
class Session:
    """What the operator remembers of one object while it runs."""

    key: Key
    known: Manifest | None = None
    """The object as it was written or read last, where the watch has not told of it yet."""
    trusted: Manifest | None = None
    """The status that was written or looked through last: another one is somebody else's."""
    reading: Reading = field(default_factory=Reading)
    """Kept, because reading is the dearest part of a pass."""
    heard: Heard = field(default_factory=Heard)
    refusals: dict[object, str] = field(default_factory=dict)
    """What Flink answered to an act instead of doing it: by a stop's trigger id, or by the job id
    and the parallelism of a rescaling."""
    proofs: dict[int, Problem] = field(default_factory=dict)
    """Why the API server does not let a proof be made, by the number of its run."""
    untidy: dict[Ref, Problem] = field(default_factory=dict)
    """What it does not let be deleted, or be given an owner."""
    looked: datetime | None = None
    """When it was asked last what other streams name of the savepoints that are to go."""
    children: Children = field(init=False)

    def __post_init__(self) -> None:
        self.children = Children(self.key)

    def newest(self, told: Manifest) -> Manifest:
        """The newer of what the watch has told and of what is known otherwise."""
        if self.known is None or not _follows(self.known, told):
            self.known = told
        return self.known

    def memory(self, manifest: Manifest, there: Mapping[Ref, Child]) -> Memory:
        """What is remembered of the stream; a status of somebody else's is put right before."""
        status = manifest.get("status", {})
        memory = Memory.of(read(status))
        if status == self.trusted:
            return memory
        return remembered(memory, there, manifest["metadata"]["uid"])

    def read(self, manifest: Manifest, settings: Settings) -> Reading:
        """The resource of this generation, or the last one that was accepted."""
        generation = manifest["metadata"]["generation"]
        if self.reading.generation == generation:
            return self.reading
        try:
            self.reading = Reading(generation, workable(manifest, settings), manifest)
        except SpecRefusedError as error:
            self.reading = replace(self.reading, generation=generation, refusal=str(error))
        return self.reading

    @property
    def refused(self) -> dict[object, Problem]:
        """What the API server does not let be made, and why."""
        both = [*self.children.refused.items(), *self.untidy.items()]
        return dict([*both, *self.proofs.items()])

    def problems(self, decision: Decision) -> list[Problem]:
        """What of ``refused`` keeps the stream from what it is to be.

        Beside a job that runs, an object that is left over is in nobody's way. Proofs are told by
        the condition ``Updated``.
        """
        untidy = () if decision.running else self.untidy.values()
        return [*self.children.refused.values(), *untidy]

    async def refusable(self, about: object, act: Awaitable[None], *, own: bool) -> None:
        """Do what Flink may refuse, and remember a refusal under ``about``.

        No answer is not a refusal: the next pass asks how it went. With ``own`` the answer of a
        proxy is not one either, because what Flink itself has refused is not tried again.
        """
        try:
            await act
        except FlinkError as error:
            logger.warning("%s/%s: Flink: %s", *self.key, error)
            if error.own or (error.status and not own):
                self.refusals = {about: str(error)}

    def with_refusals(self, seen: Seen, memory: Memory, asked: Wish) -> Seen:
        """What is seen, with what Flink answered to the acts that are still of interest."""
        stop = memory.ask.trigger_id if memory.ask else None
        return replace(
            seen,
            refused_stop=self.refusals.get(stop, ""),
            refused_scale=self.refusals.get((memory.job_id, asked.wanted.parallelism), ""),
        )


def _follows(known: Manifest, told: Manifest) -> bool:
    """Whether an object is a later version of the same one; versions are counted up."""
    mine, theirs = known["metadata"], told["metadata"]
    same = mine["uid"] == theirs["uid"]
    return same and _version(mine) > _version(theirs)


def _version(meta: Manifest) -> int:
    return int(meta.get("resourceVersion", 0))
