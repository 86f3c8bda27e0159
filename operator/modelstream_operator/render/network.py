"""Who may talk to the job's pods: they among themselves, the operator, and who reads metrics.

Only what comes in is limited. Where a job may go (Kafka, object stores) is not known here.
"""

from typing import Any

from modelstream_operator import names
from modelstream_operator.render.target import Target
from modelstream_operator.resources import NETWORK_POLICY, Manifest

OPERATOR_LABELS = {names.LABEL_NAME: "modelstream-operator"}


def network_policy(target: Target) -> Manifest:
    """Flink's REST interface runs any code it is given: it is for the operator alone."""
    own = {names.LABEL_OWNER: target.name}
    namespace = {"kubernetes.io/metadata.name": target.settings.namespace}
    operator = {
        "namespaceSelector": {"matchLabels": namespace},
        "podSelector": {"matchLabels": OPERATOR_LABELS},
    }
    spec: dict[str, Any] = {
        "podSelector": {"matchLabels": own},
        "policyTypes": ["Ingress"],
        "ingress": [
            {"from": [{"podSelector": {"matchLabels": own}}]},
            {"from": [operator], "ports": [{"protocol": "TCP", "port": names.REST_PORT}]},
            {"ports": [{"protocol": "TCP", "port": names.METRICS_PORT}]},
        ],
    }
    return target.child(NETWORK_POLICY, names.account(target.name), spec=spec)
