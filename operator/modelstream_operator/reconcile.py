"""One pass over one ModelStream: observe, decide, write status, act."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from modelstream_crds.v1alpha1 import ConditionType, ModelStreamStatus
from modelstream_operator.acts import each_of
from modelstream_operator.asking import Heard
from modelstream_operator.cache import Cache
from modelstream_operator.children import Plan
from modelstream_operator.cluster import ApiError, Cluster
from modelstream_operator.decide.decision import (
    Answer,
    Decision,
    DisposeSavepoint,
    Rescale,
    Seen,
    StopWithSavepoint,
    TakeDown,
    TakeSavepoint,
)
from modelstream_operator.decide.diagnosis import BINDING_GRACE
from modelstream_operator.decide.lifecycle import decide
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.pods import is_ready
from modelstream_operator.decide.problem import Problem, Reason
from modelstream_operator.decide.remains import Remains
from modelstream_operator.decide.removing import sent
from modelstream_operator.decide.status import read, status_of, unknown_status
from modelstream_operator.evidence import digests_of, facts_of, is_placed, outlives, with_told
from modelstream_operator.flink import Flink
from modelstream_operator.names import Component
from modelstream_operator.observe import Observer, now
from modelstream_operator.observed import Observed, RunObserved
from modelstream_operator.planning import plan
from modelstream_operator.proofs import end_proofs, make_proof, proof_of
from modelstream_operator.reading import Reading
from modelstream_operator.resources import CONFIG_MAP, DEPLOYMENT, MODELSTREAM, Key, Manifest, Ref
from modelstream_operator.restorefrom import other_stream
from modelstream_operator.rollout import Place, Rollout, Standing
from modelstream_operator.session import Session
from modelstream_operator.settings import Restarts, Settings
from modelstream_operator.spared import with_spared
from modelstream_operator.sweeps import end_sweeps, make_sweep, swept_of
from modelstream_operator.tidying import send_away, tidy
from modelstream_operator.wish import Wish, wish

logger = logging.getLogger(__name__)

BOUNDED = 5.0
"""Seconds between two questions about a job that reads to an end: of that nobody else tells."""

SOON = 0.2
"""Seconds from an act to the next pass, in which its watches may tell of what it did."""


@dataclass(frozen=True)
class Transition:
    """Ready has changed, or a step is worth a Kubernetes event for itself."""

    ready: bool
    reason: str
    message: str


@dataclass(frozen=True)
class Outcome:
    """When to look again if nothing is heard, and what is worth telling."""

    delay: float
    phase: str
    told: tuple[Transition, ...] = ()
    gone: bool = False
    """Whether a deletion has nothing left to wait for."""


@dataclass(frozen=True)
class Reconciler:
    """Brings the cluster nearer to a resource, one pass at a time."""

    cluster: Cluster
    cache: Cache
    flink: Flink
    settings: Settings
    clock: Callable[[], datetime] = now
    rollout: Rollout = field(default_factory=Rollout)

    async def once(self, session: Session, manifest: Manifest) -> Outcome:
        """One pass; ApiError and FlinkError mean that it is to be repeated."""
        manifest = session.newest(manifest)
        before = manifest.get("status", {})
        past = read(before)
        there = self.cache.children(session.key)
        memory = session.memory(manifest, there)
        reading = await self._reading(session, manifest, memory)
        asked = wish(reading, manifest, memory, there, self.settings)
        if self.settings.rollout == Restarts.ONE_BY_ONE:
            asked = self._in_turn(session.key, asked, Standing.of(asked, memory, past))
        observer = Observer(self.cluster, self.cache, self.flink, self.settings, self.clock)
        observed = await observer.observe(session.key, asked, memory, session.heard)
        seen = await self._seen(session, asked, observed, memory, past)
        decision = decide(memory, asked.wanted, seen)
        facts = facts_of(asked, observed, decision, seen, session.problems(decision))
        unknown = memory.step is Step.UNKNOWN
        status = unknown_status(before, facts, past) if unknown else status_of(facts, past)
        # Before anything is done, because the next pass continues from what is written there.
        if (outcome := await self._write(session, manifest, status)) is None:
            return Outcome(0.0, before.get("phase", ""))
        known = set(session.refused)
        if not unknown:
            made = plan(asked, decision, there, digests_of(facts))
            remains = sent(decision.memory, seen)
            await self._carry_out(session, asked, observed, decision, made, remains)
        # Which are refused, not in what words: an answer may be another one each time.
        changed = decision.memory != memory or session.refused.keys() != known
        delay = 0.0 if changed else self._delay(status, decision, observed)
        if (known or asked.missing) and not changed:
            # No watch tells when a quota, or another stream that runs, is out of the way.
            delay = min(delay, self.settings.retry_refused)
        news = tuple(
            Transition(not each.warns, each.reason, each.message) for each in decision.news
        )
        return replace(outcome, delay=delay, told=news + outcome.told, gone=decision.gone)

    async def _seen(
        self,
        session: Session,
        asked: Wish,
        observed: Observed,
        memory: Memory,
        past: ModelStreamStatus,
    ) -> Seen:
        """All that the life cycle decides upon."""
        seen = session.with_refusals(observed.seen(memory), memory, asked)
        seen = replace(
            with_told(seen, past, memory),
            proof=proof_of(asked, observed, memory, session.proofs),
            placed=is_placed(asked, observed, memory),
            outlives=outlives(past, observed, memory),
            swept=swept_of(observed, memory),
        )
        sweeps = observed.of(memory.run).sweep is not None
        return await with_spared(self.cluster, session, asked, seen, memory, sweeps=sweeps)

    async def _carry_out(
        self,
        session: Session,
        asked: Wish,
        observed: Observed,
        decision: Decision,
        made: Plan,
        remains: Sequence[Remains],
    ) -> None:
        """All that is to be done; where something cannot be, the pass is to be repeated."""
        cluster, memory, untidy = self.cluster, decision.memory, dict[Ref, Problem]()
        cluster.check(session.key.namespace)

        async def send_strangers_away() -> None:
            if decision.running:
                await send_away(cluster, observed, memory, untidy)

        try:
            await each_of(
                lambda: self._act(session, asked, observed, decision),
                # What ForgetHighAvailability asks for too: what is over goes in every step.
                lambda: tidy(cluster, observed, asked.manifest, untidy),
                lambda: end_proofs(cluster, observed, memory, untidy),
                lambda: end_sweeps(cluster, observed, memory, untidy),
                send_strangers_away,
                lambda: session.children.make(cluster, made, observed.children, asked.uid),
                lambda: make_proof(cluster, asked, observed, memory, session.proofs),
                lambda: make_sweep(cluster, asked, observed, memory, remains),
            )
        finally:
            session.untidy = untidy

    def _in_turn(self, key: Key, asked: Wish, standing: Standing) -> Wish:
        now = self.clock()
        if self.rollout.has_turn(key, standing, now):
            return asked.with_restart
        first, waits = self.rollout.comes_first(key, now), standing.place is Place.WAITS
        named = f"{first.namespace}/{first.name}" if first else ""
        return replace(asked, awaits_turn=waits, comes_first=named)

    async def _reading(self, session: Session, manifest: Manifest, memory: Memory) -> Reading:
        """The spec, and what it names elsewhere; what is deleted needs none."""
        reading, programs = session.read(manifest, self.settings), self.cache.programs
        if "deletionTimestamp" in manifest["metadata"]:
            programs.forget(session.key)
            return reading
        if (name := other_stream(reading.stream, memory)) is not None:
            there = Ref(MODELSTREAM.kind, session.key.namespace, name)
            try:
                reading = replace(reading, other=await self.cluster.get(there))
            except ApiError as error:
                return reading.without(there, Reason.STATE_NOT_THERE, error)
        if reading.source is None:
            programs.forget(session.key)
            return reading
        patience, name = self.settings.request_timeout, reading.source.name
        try:
            return reading.with_program(await programs.program(session.key, name, patience))
        except ApiError as error:
            there = Ref(CONFIG_MAP.kind, session.key.namespace, name)
            return reading.without(there, Reason.CONFIG_MAP_NOT_FOUND, error)

    def _delay(self, status: Manifest, decision: Decision, observed: Observed) -> float:
        """Whom watches tell of need not be asked: only Flink, where there is one to ask."""
        settings, memory = self.settings, decision.memory
        if decision.act is not None:
            return min(SOON, settings.flink_poll_busy)
        waits = [settings.resync]
        if memory.deadline is not None and memory.deadline > observed.now:
            waits.append((memory.deadline - observed.now).total_seconds())
        prepared = memory.proving
        if prepared is not None and prepared.deadline is not None:
            waits.append(max(1.0, (prepared.deadline - observed.now).total_seconds()))
        stops = memory.step is Step.SAVEPOINTING  # and has waits of its own, also without a pod
        if stops or (observed.pods and memory.step not in {Step.SUSPENDED, Step.ENDED}):
            waits.append(self._poll(status, observed.of(memory.run), memory))
        return min(waits)

    def _poll(self, status: Manifest, present: RunObserved, memory: Memory) -> float:
        if not any(is_ready(pod) for pod in present.of_role(Component.JOBMANAGER)):
            return BINDING_GRACE.total_seconds()
        ready = _ready(status)
        stable = ready is not None and ready["status"] == "True"
        stable = stable and present.flink.answer is Answer.JOB
        if not stable:
            return self.settings.flink_poll_busy
        job, most = present.flink.job, self.settings.flink_poll_stable
        ends = not memory.parallelism or (job is not None and job.finished > 0)
        return min(BOUNDED, most) if ends else most

    async def _write(
        self, session: Session, manifest: Manifest, status: Manifest
    ) -> Outcome | None:
        """Write what is new; None where somebody else was faster: then all is decided anew."""
        key, before = session.key, manifest.get("status", {})
        if read(status) != read(before):
            try:
                session.known = await self.cluster.apply_status(manifest, status)
            except ApiError as error:
                if error.status != 409:
                    raise
                logger.info("%s/%s: it has changed meanwhile: %s", *key, error)
                session.known = await self.cluster.get(Ref.of(manifest))
                return None
            session.trusted = session.known.get("status", {})
        else:
            session.trusted = before
        new, old = _ready(status), _ready(before)
        outcome = Outcome(self.settings.resync, status["phase"])
        if new is None or (old is not None and new["reason"] == old["reason"]):
            return outcome
        logger.info("%s/%s: %s: %s", *key, new["reason"], new["message"])
        transition = Transition(new["status"] == "True", new["reason"], new["message"])
        return replace(outcome, told=(transition,))

    async def _act(
        self, session: Session, asked: Wish, observed: Observed, decision: Decision
    ) -> None:
        key = session.key
        url = self.settings.flink_url(*key, decision.memory.run)
        match decision.act:
            case StopWithSavepoint(job_id, directory, trigger):
                stop = self.flink.stop_with_savepoint(url, job_id, directory, trigger)
                await session.refusable(trigger, stop, own=False)
            case TakeSavepoint(job_id, directory, trigger):
                take = self.flink.take_savepoint(url, job_id, directory, trigger)
                await session.refusable(trigger, take, own=False)
            case DisposeSavepoint(path, trigger) if trigger not in session.heard.disposals:
                dispose = self._dispose(session.heard, url, path, trigger)
                await session.refusable(trigger, dispose, own=False)
            case Rescale(job_id, present, parallelism):
                rescale = self._rescale(url, job_id, present, parallelism)
                await session.refusable((job_id, parallelism), rescale, own=True)
            case TakeDown():
                mine = [ref for ref, each in observed.children.items() if each.is_for(asked.uid)]
                refs = [ref for ref in mine if ref.kind == DEPLOYMENT.kind]
                await session.children.remove(self.cluster, refs)

    async def _dispose(self, heard: Heard, url: str, path: str, trigger: str) -> None:
        heard.disposals = {trigger: await self.flink.dispose_savepoint(url, path)}

    async def _rescale(self, url: str, job_id: str, present: int, parallelism: int) -> None:
        """Only what has the job's parallelism; a vertex with one of its own keeps it."""
        found = await self.flink.resources(url, job_id)
        upper = {vertex: int(each["parallelism"]["upperBound"]) for vertex, each in found.items()}
        bounds = {key: parallelism if old == present else old for key, old in upper.items()}
        await self.flink.rescale(url, job_id, bounds)


def _ready(status: Mapping[str, object]) -> dict[str, str] | None:
    found = status.get("conditions", ())
    assert isinstance(found, list | tuple)
    return next((each for each in found if each["type"] == ConditionType.READY), None)
