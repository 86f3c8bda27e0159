"""Pods that prove a revision, in memory."""

from dataclasses import dataclass

from modelstream_operator import names
from modelstream_operator.resources import Key, Manifest


@dataclass
class ProofPod:
    """The pod that proves what a run is to be made of."""

    number: int
    nonce: int
    """Of the spec."""
    state: str = "Proving"
    """Or Succeeded, or Failed."""

    @property
    def said(self) -> str:
        """The last words of one that failed: some may be otherwise at another time."""
        return f"{'FetchFailed' if self.nonce % 2 else 'JobNotBuilt'}: not like this"

    def pod(self, key: Key) -> Manifest:
        """As a kubelet shows it."""
        name = names.proof(key.name, self.number)
        labels = {
            names.LABEL_OWNER: key.name,
            names.LABEL_RUN: str(self.number),
            names.LABEL_COMPONENT: "proof",
        }
        meta = {"name": name, "namespace": key.namespace, "uid": name, "labels": labels}
        code = {"Succeeded": 0, "Failed": 1}.get(self.state)
        message = self.said if code else ""
        state = {"terminated": {"exitCode": code, "message": message}} if code is not None else {}
        main = {"name": "main", "image": "r", "ready": False, "restartCount": 0, "state": state}
        phase = "Running" if code is None else self.state
        status = {"phase": phase, "containerStatuses": [main]}
        return {"kind": "Pod", "metadata": meta, "spec": {}, "status": status}


@dataclass
class SweepPod:
    """The pod that removes what ended runs left in the store."""

    number: int
    jobs: frozenset[str]
    done: bool = False

    def pod(self, key: Key) -> Manifest:
        """As a kubelet shows it."""
        name = names.sweep(key.name, self.number)
        labels = {
            names.LABEL_OWNER: key.name,
            names.LABEL_RUN: str(self.number),
            names.LABEL_COMPONENT: "sweep",
        }
        annotations = {names.ANNOTATION_REMAINS: " ".join(sorted(self.jobs))}
        meta = {"name": name, "namespace": key.namespace, "uid": name, "labels": labels}
        status = {"phase": "Succeeded" if self.done else "Running"}
        metadata = {**meta, "annotations": annotations}
        return {"kind": "Pod", "metadata": metadata, "spec": {}, "status": status}
