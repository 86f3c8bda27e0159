"""Children that the API server refuses, or takes without a part of them. Pure."""

from modelstream_crds.v1alpha1 import ConditionType
from modelstream_operator.decide.problem import Problem
from modelstream_operator.resources import DEPLOYMENT, Manifest, Ref


def child_problem(ref: Ref, message: str) -> Problem:
    """Why a child is not as it was asked for."""
    reason = "ImageVolumeUnsupported" if "no image volumes" in message else "ChildRefused"
    about = ConditionType.JOB_RUNNING
    if reason == "ImageVolumeUnsupported":
        about = ConditionType.MODELS_AVAILABLE
    return Problem(about, reason, f"{ref}: {message}")


def lost_image_volumes(asked: Manifest, answer: Manifest) -> list[str]:
    """Image volumes that an API server without the feature has left out, silently."""
    if asked["kind"] != DEPLOYMENT.kind:
        return []
    volumes = asked["spec"]["template"]["spec"].get("volumes", ())
    names = [each["name"] for each in volumes if "image" in each]
    kept = answer["spec"]["template"]["spec"].get("volumes", ())
    there = {each["name"] for each in kept if "image" in each}
    return [name for name in names if name not in there]
