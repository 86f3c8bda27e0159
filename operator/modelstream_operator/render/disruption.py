"""A budget that lets no drain of a node evict the job's pods.

Each eviction costs a restart from the newest checkpoint, without ``state`` from nothing. A pod that
is not ready does no work that a drain could interrupt.
"""

from typing import Any

from modelstream_operator import names
from modelstream_operator.names import Component
from modelstream_operator.render.target import Target
from modelstream_operator.resources import DISRUPTION_BUDGET, Manifest


def disruption_budget(target: Target) -> Manifest:
    """Of both roles in every run; of a proof's pod there may always be another."""
    roles = [Component.JOBMANAGER.value, Component.TASKMANAGER.value]
    of_the_job = {"key": names.LABEL_COMPONENT, "operator": "In", "values": roles}
    spec: dict[str, Any] = {
        "maxUnavailable": 0,
        "unhealthyPodEvictionPolicy": "AlwaysAllow",
        "selector": {
            "matchLabels": {names.LABEL_OWNER: target.name},
            "matchExpressions": [of_the_job],
        },
    }
    return target.child(DISRUPTION_BUDGET, names.account(target.name), spec=spec)
