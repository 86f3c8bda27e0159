"""Claims that models and state are on: missing ones, and those that the pods cannot share."""

from collections.abc import Iterator, Mapping

from modelstream_crds.needs import claim_path
from modelstream_crds.v1alpha1 import ConditionType
from modelstream_operator.decide.problem import Problem, Reason
from modelstream_operator.render import models
from modelstream_operator.render.config import PVC, storage_of
from modelstream_operator.render.target import Target
from modelstream_operator.resources import Manifest

EXCLUSIVE = "ReadWriteOncePod"
READ_ONLY = "ReadOnlyMany"


def claim_names(target: Target) -> list[str]:
    """Claims that the resource names, models' first."""
    state = _state_claim(target)
    return list(dict.fromkeys([*models.claims(target), *([state] if state else [])]))


def _state_claim(target: Target) -> str | None:
    storage = storage_of(target.stream)
    return claim_path(storage)[0] if storage.startswith(PVC) else None


def claim_problems(target: Target, claims: Mapping[str, Manifest | None]) -> Iterator[Problem]:
    """What is wrong with the claims, before a pod hangs on it."""
    of_models = set(models.claims(target))
    for name, claim in claims.items():
        about = ConditionType.MODELS_AVAILABLE if name in of_models else ConditionType.JOB_RUNNING
        where = "models[].uri" if name in of_models else "state.storage"
        if claim is None:
            text = f"PersistentVolumeClaim {name} does not exist: create it, or correct {where}"
            yield Problem(about, Reason.CLAIM_NOT_FOUND, text)
        elif claim["spec"]["accessModes"] == [EXCLUSIVE]:
            pods = target.replicas + 1
            text = (
                f"PersistentVolumeClaim {name} is {EXCLUSIVE}, and {pods} pods mount it (the"
                " JobManager too): use ReadOnlyMany or ReadWriteMany, or ReadWriteOnce on one node"
            )
            yield Problem(about, Reason.CLAIM_ACCESS_MODE, text)
        elif claim["spec"]["accessModes"] == [READ_ONLY] and name == _state_claim(target):
            text = (
                f"PersistentVolumeClaim {name} is {READ_ONLY}, and checkpoints are written to it:"
                " use ReadWriteMany, or ReadWriteOnce on one node"
            )
            yield Problem(ConditionType.JOB_RUNNING, Reason.CLAIM_ACCESS_MODE, text)
        elif claim["status"].get("phase") == "Lost":
            text = f"PersistentVolumeClaim {name} has lost its volume"
            yield Problem(about, Reason.CLAIM_NOT_BOUND, text)
