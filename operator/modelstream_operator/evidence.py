"""From what was observed to what status is made of."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from modelstream_crds.v1alpha1 import ConditionType
from modelstream_operator.decide.decision import Decision, Seen
from modelstream_operator.decide.diagnosis import Scene, diagnose, verified_models
from modelstream_operator.decide.facts import Facts
from modelstream_operator.decide.pods import is_ready, is_scheduled, overdue
from modelstream_operator.decide.problem import Problem, Reason
from modelstream_operator.names import ANNOTATION_JOB, Component
from modelstream_operator.observe import Observed, selector
from modelstream_operator.render import Target, gpu
from modelstream_operator.resources import Manifest
from modelstream_operator.wish import Wish


def facts_of(
    asked: Wish, observed: Observed, decision: Decision, seen: Seen, refused: Iterable[Problem]
) -> Facts:
    """All that status is made from."""
    target = asked.target
    common = Facts(
        generation=asked.manifest["metadata"]["generation"],
        now=observed.now,
        decision=decision,
        refusal=asked.refusal,
        missing=asked.missing,
        updated=_is_updated(asked, decision),
        outdated=asked.outdated and decision.running,
        rest=asked.wanted.rest,
        problems=(*refused, *_missing(asked)),
        answer=seen.answer,
        times=seen.times,
        job=seen.job,
        failure=seen.failures[0] if seen.failures else "",
        parallelism=asked.wanted.parallelism,
        refused_scale=seen.refused_scale,
        overdue=overdue(observed.pods, observed.nodes, observed.now),
    )
    return common if target is None else _of_pods(common, target, observed)


def _missing(asked: Wish) -> Iterator[Problem]:
    """What runs is not concerned: its own copy is there."""
    if asked.missing and asked.target is None:
        yield Problem(ConditionType.JOB_RUNNING, Reason.CONFIG_MAP_NOT_FOUND, asked.missing)


def digests_of(facts: Facts) -> dict[str, str]:
    """What the run's models are; empty as long as a pod has not told, or pods differ."""
    differ = any(each.reason == Reason.MODELS_DIFFER for each in facts.problems)
    if not facts.decision.running or not facts.updated or differ:
        return {}
    if not facts.models.keys() <= facts.verified.keys():
        return {}
    return {name: facts.verified[name].digest for name in facts.models}


def _is_updated(asked: Wish, decision: Decision) -> bool:
    revision = decision.memory.revision
    return bool(revision) and (revision == asked.wanted.revision or not asked.wanted.restart)


def _of_pods(facts: Facts, target: Target, observed: Observed) -> Facts:
    job_id = facts.decision.memory.job_id
    taskmanagers = observed.of_role(Component.TASKMANAGER)
    mine = _of_job(observed.pods, job_id)
    found = diagnose(_scene(target, observed, job_id)) if facts.decision.running else ()
    return replace(
        facts,
        problems=(*facts.problems, *found),
        replicas=target.replicas,
        pods=len(taskmanagers),
        scheduled=sum(map(is_scheduled, taskmanagers)),
        ready=sum(is_ready(pod) for pod in taskmanagers if pod in mine),
        models={model.name: model.uri for model in target.spec.models},
        verified=verified_models(mine),
        gpu=target.gpus > 0,
        gpu_checked=gpu.is_checked(target),
        selector=selector(target),
    )


def _scene(target: Target, observed: Observed, job_id: str) -> Scene:
    return Scene(
        target=target,
        now=observed.now,
        pods=_of_job(observed.pods, job_id),
        ended=_of_job(observed.ended, job_id),
        deployments=observed.deployments(),
        events=observed.events,
        nodes=observed.nodes,
        claims=observed.claims,
    )


def _of_job(pods: Iterable[Manifest], job_id: str) -> list[Manifest]:
    return [pod for pod in pods if pod["metadata"]["annotations"].get(ANNOTATION_JOB) == job_id]
