"""One pass over one ModelStream: observe, decide, write status, act."""

import asyncio
import logging
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from modelstream_crds.v1alpha1 import (
    ConditionType,
    ModelStream,
    ModelStreamStatus,
    RuntimeMode,
    UpgradeMode,
)
from modelstream_operator.cache import Cache, Child, Key, version_of
from modelstream_operator.cluster import ApiError, Cluster
from modelstream_operator.decide import conditions, lifecycle
from modelstream_operator.decide.acceptance import SpecRefusedError, accepted
from modelstream_operator.decide.children import lost_part, refused
from modelstream_operator.decide.conditions import Facts
from modelstream_operator.decide.diagnosis import (
    BINDING_GRACE,
    Scene,
    diagnose,
    verified_models,
)
from modelstream_operator.decide.drift import is_as_applied
from modelstream_operator.decide.lifecycle import Decision, Memory, Step, Wanted
from modelstream_operator.decide.pods import is_ended, is_ready, is_scheduled, overdue
from modelstream_operator.decide.problem import Problem
from modelstream_operator.decide.refusals import refusals
from modelstream_operator.flink import Flink, FlinkError
from modelstream_operator.names import ANNOTATION_APPLIED, ANNOTATION_JOB, Component
from modelstream_operator.observe import Observed, Observer, leftovers, selector
from modelstream_operator.render import Target, children, gpu
from modelstream_operator.render.config import savepoint_directory
from modelstream_operator.render.fingerprint import fingerprint
from modelstream_operator.resources import DEPLOYMENT, ROLE, Manifest, Ref
from modelstream_operator.settings import Settings

logger = logging.getLogger(__name__)


@dataclass
class Session:
    """What the operator remembers of one object while it runs."""

    key: Key
    status: Manifest | None = None
    """As it was written last: newer than what the watch has told so far."""
    applied: dict[Ref, tuple[str, str]] = field(default_factory=dict)
    """Hash that was applied, and the version that the API server made of it."""
    refused: dict[Ref, Problem] = field(default_factory=dict)
    stream: tuple[int, ModelStream] | None = None
    """The resource as it was read, and its generation: reading is the dearest part of a pass."""

    def read(self, manifest: Manifest, settings: Settings) -> ModelStream:
        """The resource of this generation.

        Raises:
            SpecRefusedError: it cannot be worked with.
        """
        generation = manifest["metadata"]["generation"]
        if self.stream is None or self.stream[0] != generation:
            stream = accepted(manifest)
            if found := list(refusals(Target(stream, manifest, settings))):
                raise SpecRefusedError("; ".join(found))
            self.stream = generation, stream
        return self.stream[1]


@dataclass(frozen=True)
class Transition:
    """Ready has changed: worth a Kubernetes event."""

    ready: bool
    reason: str
    message: str


@dataclass(frozen=True)
class Outcome:
    """When to look again if nothing is heard, and what is worth telling."""

    delay: float
    phase: str
    transition: Transition | None = None


@dataclass(frozen=True)
class Reconciler:
    """Brings the cluster nearer to a resource, one pass at a time."""

    cluster: Cluster
    cache: Cache
    flink: Flink
    settings: Settings

    async def once(self, session: Session, manifest: Manifest) -> Outcome:
        """One pass; ApiError and FlinkError mean that it is to be repeated."""
        before = session.status if session.status is not None else manifest.get("status", {})
        past = ModelStreamStatus.model_validate(before)
        memory = Memory.of(past)
        try:
            stream = session.read(manifest, self.settings)
        except SpecRefusedError as error:
            facts = Facts(
                generation=manifest["metadata"]["generation"],
                now=datetime.now(UTC),
                decision=Decision(memory),
                refusal=str(error),
            )
            status = conditions.refused_status(before, facts, past)
            return await self._write(session, status, before, self.settings.resync)
        target = Target(stream, manifest, self.settings, run=memory.run, job_id=memory.job_id)
        return await self._pass(session, target, memory, past, before)

    async def _pass(
        self,
        session: Session,
        target: Target,
        memory: Memory,
        past: ModelStreamStatus,
        before: Manifest,
    ) -> Outcome:
        observer = Observer(self.cluster, self.cache, self.flink, self.settings)
        observed = await observer.observe(session.key, target, memory)
        decision = lifecycle.decide(memory, wanted(target), observed.seen())
        target = decided(target, decision)
        facts = self._facts(session, target, observed, decision)
        status = conditions.status_of(facts, past)
        # Before anything is done, because the next pass continues from what is written there.
        delay = self._delay(status, decision, observed)
        outcome = await self._write(session, status, before, delay)
        await self._act(session.key, target, observed, decision)
        known = dict(session.refused)
        if decision.apply:
            await self._apply(session, target, observed)
        # No watch tells that these ConfigMaps are gone.
        forgotten = isinstance(decision.act, lifecycle.ForgetHighAvailability)
        if forgotten or decision.memory != memory or session.refused != known:
            return replace(outcome, delay=0.0)
        # No watch tells of the moment when a quota or somebody else's object is out of the way.
        again = self.settings.retry_refused if known else delay
        return replace(outcome, delay=min(delay, again))

    def _facts(
        self, session: Session, target: Target, observed: Observed, decision: Decision
    ) -> Facts:
        taskmanagers = observed.of_role(Component.TASKMANAGER)
        of_this_job = _of_job(observed.pods, target.job_id)
        scene = Scene(
            target=target,
            now=observed.now,
            pods=of_this_job,
            ended=_of_job(observed.ended, target.job_id),
            deployments=observed.deployments(),
            events=observed.events,
            nodes=observed.nodes,
            claims=observed.claims,
        )
        found = diagnose(scene) if decision.running else ()
        return Facts(
            generation=target.manifest["metadata"]["generation"],
            now=observed.now,
            decision=decision,
            problems=(*session.refused.values(), *found),
            job=observed.flink.job,
            failure=observed.flink.failure,
            replicas=target.replicas,
            pods=len(taskmanagers),
            scheduled=sum(map(is_scheduled, taskmanagers)),
            ready=sum(is_ready(pod) for pod in taskmanagers if pod in of_this_job),
            models={model.name: model.uri for model in target.spec.models},
            verified=verified_models(of_this_job),
            gpu=target.gpus > 0,
            gpu_checked=gpu.is_checked(target),
            selector=selector(target),
            overdue=overdue(observed.pods, observed.nodes, observed.now),
        )

    def _delay(self, status: Manifest, decision: Decision, observed: Observed) -> float:
        """Whom watches tell of need not be asked: only Flink, where there is one to ask."""
        settings = self.settings
        if decision.memory.step in {Step.SUSPENDED, Step.FINISHED} or not observed.pods:
            return settings.resync
        if not any(is_ready(pod) for pod in observed.of_role(Component.JOBMANAGER)):
            return BINDING_GRACE.total_seconds()
        ready = _ready(status)
        stable = ready is not None and ready["status"] == "True"
        return settings.flink_poll_stable if stable else settings.flink_poll_busy

    async def _write(
        self, session: Session, status: Manifest, before: Manifest, delay: float
    ) -> Outcome:
        key = session.key
        if ModelStreamStatus.model_validate(status) != ModelStreamStatus.model_validate(before):
            await self.cluster.apply_status(Ref("ModelStream", *key), status)
        session.status = status
        new, old = _ready(status), _ready(before)
        outcome = Outcome(delay, status["phase"])
        if new is None or (old is not None and new["reason"] == old["reason"]):
            return outcome
        logger.info("%s/%s: %s: %s", *key, new["reason"], new["message"])
        transition = Transition(new["status"] == "True", new["reason"], new["message"])
        return replace(outcome, transition=transition)

    async def _act(self, key: Key, target: Target, observed: Observed, decision: Decision) -> None:
        url = self.settings.flink_url(*key, target.run)
        match decision.act:
            case lifecycle.StopWithSavepoint(job_id, directory, trigger):
                await self.flink.stop_with_savepoint(url, job_id, directory, trigger)
            case lifecycle.Rescale(job_id, parallelism):
                await self._rescale(url, job_id, parallelism)
            case lifecycle.ForgetHighAvailability():
                for ref in observed.leftovers:
                    await self.cluster.delete(ref)

    async def _rescale(self, url: str, job_id: str, parallelism: int) -> None:
        """Only what follows the job's parallelism; a vertex with one of its own keeps it."""
        found = await self.flink.resources(url, job_id)
        upper = {vertex: int(each["parallelism"]["upperBound"]) for vertex, each in found.items()}
        widest = max(upper.values(), default=parallelism)
        bounds = {key: parallelism if old == widest else old for key, old in upper.items()}
        try:
            await self.flink.rescale(url, job_id, bounds)
        except FlinkError as error:
            logger.warning("job %s is not rescaled to %d: %s", job_id, parallelism, error)

    async def _apply(self, session: Session, target: Target, observed: Observed) -> None:
        """Make the children equal to the plan; those that left the plan go."""
        uid = target.manifest["metadata"]["uid"]
        desired = {Ref.of(each): each for each in children(target)}
        for ref in session.refused.keys() - desired.keys():
            del session.refused[ref]
        differing = {
            ref: self._apply_one(session, ref, manifest, force=ref in observed.children)
            for ref, manifest in desired.items()
            if self._differs(session, ref, manifest, observed.children.get(ref), uid)
        }
        # A RoleBinding is refused as long as its Role is not there.
        first = [apply for ref, apply in differing.items() if ref.kind == ROLE.kind]
        rest = [apply for ref, apply in differing.items() if ref.kind != ROLE.kind]
        for done in (await _together(first)) + (await _together(rest)):
            if done is not None:
                raise done
        for ref, child in observed.children.items():
            if ref not in desired and uid in child.owners:
                logger.info("%s/%s: %s left the plan", *session.key, ref)
                await self.cluster.delete(ref)
                session.applied.pop(ref, None)

    def _differs(
        self, session: Session, ref: Ref, manifest: Manifest, child: Child | None, uid: str
    ) -> bool:
        """Whether a child has to be applied: it is missing, is another one, or was changed."""
        if child is None:
            return True
        if child.owners and uid not in child.owners:
            message = "one of the same name belongs to another object"
            session.refused[ref] = refused(ref, message)
            return False
        known = manifest["metadata"]["annotations"][ANNOTATION_APPLIED], child.version
        if ref not in session.applied and is_as_applied(manifest, child.manifest()):
            session.applied[ref] = known
            session.refused.pop(ref, None)
        return ref in session.refused or session.applied.get(ref) != known

    async def _apply_one(
        self, session: Session, ref: Ref, manifest: Manifest, *, force: bool
    ) -> None:
        try:
            answer = await self.cluster.apply(manifest, force=force)
        except ApiError as error:
            if not error.refused:
                raise
            session.refused[ref] = refused(ref, str(error))
            return
        signature = manifest["metadata"]["annotations"][ANNOTATION_APPLIED]
        session.applied[ref] = (signature, version_of(answer))
        session.refused.pop(ref, None)
        if lost := lost_part(manifest, answer):
            session.refused[ref] = lost

    async def clean_up(self, key: Key, uid: str) -> bool:
        """Take the pods away before the object goes; True when nothing is left to wait for."""
        for ref in self.cache.children(key):
            if ref.kind == DEPLOYMENT.kind:
                await self.cluster.delete(ref)
        if not all(map(is_ended, self.cache.pods(key))):
            return False
        for ref in await leftovers(self.cluster, key, uid):
            await self.cluster.delete(ref)
        return True


async def _together(applies: list[Coroutine[None, None, None]]) -> list[BaseException | None]:
    """All at once; one that fails keeps no other from being done."""
    return await asyncio.gather(*applies, return_exceptions=True)


def wanted(target: Target) -> Wanted:
    """What the resource asks of the life cycle."""
    spec = target.spec
    savepoint = spec.upgrade_mode is UpgradeMode.SAVEPOINT
    streaming = spec.flink.runtime_mode is RuntimeMode.STREAMING
    return Wanted(
        fingerprint=fingerprint(target),
        suspend=spec.suspend,
        savepoint_directory=savepoint_directory(target) if savepoint else None,
        parallelism=target.parallelism if streaming else None,
    )


def decided(target: Target, decision: Decision) -> Target:
    """The target as the life cycle has decided about it."""
    memory = decision.memory
    return replace(
        target,
        run=memory.run,
        job_id=memory.job_id,
        restore_from=memory.restore_from,
        running=decision.running,
        fingerprint=memory.deployed,
    )


def _of_job(pods: Iterable[Manifest], job_id: str) -> list[Manifest]:
    return [pod for pod in pods if pod["metadata"]["annotations"].get(ANNOTATION_JOB) == job_id]


def _ready(status: Mapping[str, object]) -> dict[str, str] | None:
    found = status.get("conditions", ())
    assert isinstance(found, list | tuple)
    return next((each for each in found if each["type"] == ConditionType.READY), None)
