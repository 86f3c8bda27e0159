"""Children that the API server refuses, or takes without a part of them. Pure."""

from modelstream_crds.v1alpha1 import ConditionType
from modelstream_operator.decide.problem import Problem, Reason
from modelstream_operator.resources import DEPLOYMENT, Manifest, Ref


def refused(ref: Ref, message: str) -> Problem:
    """The API server, or we, will not have this child."""
    return Problem(ConditionType.JOB_RUNNING, Reason.CHILD_REFUSED, f"{ref}: {message}")


def in_ending_namespace() -> Problem:
    """The same for every child: the API server lets none be made."""
    message = (
        "the namespace is being deleted, and nothing can be made in it any more: what is there goes"
        " with it"
    )
    return Problem(ConditionType.JOB_RUNNING, Reason.NAMESPACE_TERMINATING, message)


def lost_part(asked: Manifest, answer: Manifest) -> Problem | None:
    """What an API server without image volumes has left out, silently."""
    if not (lost := _lost_image_volumes(asked, answer)):
        return None
    message = (
        f"{Ref.of(asked)}: this cluster has no image volumes, so that {', '.join(lost)} cannot be"
        " mounted: use pvc:// or a fetched model, or turn on the feature gate ImageVolume"
    )
    return Problem(ConditionType.MODELS_AVAILABLE, Reason.IMAGE_VOLUME_UNSUPPORTED, message)


def _lost_image_volumes(asked: Manifest, answer: Manifest) -> list[str]:
    if asked["kind"] != DEPLOYMENT.kind:
        return []
    volumes = asked["spec"]["template"]["spec"].get("volumes", ())
    names = [each["name"] for each in volumes if "image" in each]
    kept = answer["spec"]["template"]["spec"].get("volumes", ())
    there = {each["name"] for each in kept if "image" in each}
    return [name for name in names if name not in there]
