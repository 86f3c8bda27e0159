"""A cluster in memory: what the operator writes, and what controllers and kubelets show of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.support.streamworld import Restore, Run, World

from modelstream_operator import names
from modelstream_operator.cache import Cache
from modelstream_operator.cluster import ApiError
from modelstream_operator.resources import Key, Manifest, Ref

BY_HAND = 7
"""Pods that somebody asks a Deployment for."""
KEY = Key("fraud", "scores")
_RESULTS = ("job", "application")


_CLAIM = {
    "kind": "PersistentVolumeClaim",
    "metadata": {
        "name": "models",
        "namespace": KEY.namespace,
        "uid": "claim",
        "resourceVersion": "1",
    },
    "spec": {"accessModes": ["ReadOnlyMany"]},
    "status": {"phase": "Bound"},
}


class CrashError(Exception):
    """The operator's process dies."""


@dataclass
class ClusterInMemory:
    """A cluster whose watches tell at once, and that can end the operator after each write."""

    world: World
    cache: Cache
    uid: str
    status: Manifest = field(default_factory=dict)
    writes: int | None = None
    version: int = 0
    objects: dict[Ref, Manifest] = field(default_factory=dict)
    conflicts: int = 0
    """Writes of status that are still to find another version than they were made for."""
    taken: set[Ref] = field(default_factory=set)
    """What somebody else has deleted, and the operator has not."""
    proofs: dict[Ref, int] = field(default_factory=dict)
    """Pods of proofs that the watch has told of, with their runs."""

    sweeps: dict[Ref, int] = field(default_factory=dict)
    """Pods that remove files, of which the watch has told, with their runs."""

    def _wrote(self) -> None:
        if self.writes is not None:
            self.writes -= 1
            if self.writes < 0:
                raise CrashError

    async def apply(self, manifest: Manifest, *, force: bool = True) -> Manifest:
        """Store it."""
        self.version += 1
        ref = Ref.of(manifest)
        self._keeps_its_pods(ref, manifest)
        meta = {**manifest["metadata"], "uid": f"u-{self.version}", "resourceVersion": "1"}
        meta["generation"] = self.version
        stored = {**manifest, "metadata": meta}
        self.objects[ref] = stored
        self.cache.put(stored)
        self._tell(ref, stored)
        self._wrote()
        return stored

    def check(self, namespace: str) -> None:
        """It may act everywhere."""

    async def get(self, ref: Ref) -> Manifest | None:
        """An object as it was stored."""
        return self.objects.get(ref)

    async def streams(self, namespace: str) -> list[Manifest]:
        """This one, and others that are to begin with what it has left."""
        others = [
            {
                "metadata": {"name": f"other-{number}"},
                "spec": {"state": {"restoreFrom": {"path": path}}},
            }
            for number, path in enumerate(self.world.named)
        ]
        return [{"metadata": {"name": KEY.name}, "status": self.status}, *others]

    async def apply_status(self, known: Manifest, status: Mapping[str, Any]) -> Manifest:
        """Store it, unless somebody was faster."""
        if self.conflicts:
            self.conflicts -= 1
            raise ApiError(409, "the object has been modified")
        self.status = dict(status)
        self._wrote()
        return {**known, "status": self.status}

    async def create(self, manifest: Manifest) -> Manifest:
        """A pod, of which the kubelet tells later; another one of its name is refused."""
        assert manifest["kind"] == "Pod"
        meta = manifest["metadata"]
        number = int(meta["labels"][names.LABEL_RUN])
        if "-sweep-" in meta["name"]:
            self.world.sweep(number, meta["annotations"][names.ANNOTATION_REMAINS].split())
            self._wrote()
            return manifest
        if number in self.world.proofs:
            raise ApiError(409, "it is there")
        self.world.prove(number, self.nonce(number))
        self._wrote()
        return manifest

    async def delete(self, ref: Ref) -> None:
        """Forget it."""
        if "-sweep-" in ref.name:
            del self.world.sweeps[int(ref.name.rpartition("-")[2])]
        elif ref.kind == "Pod":
            del self.world.proofs[int(ref.name.rpartition("-")[2])]
        gone = self.objects.pop(ref, None)
        self.taken.discard(ref)
        self.cache.high_availability.drop(ref)
        for run in self.world.runs.values():
            if ref.kind == "ConfigMap" and f"-{run.number}-cluster-" in ref.name:
                run.kept = False
        self.cache.drop(ref)
        if gone is not None:
            self._tell(ref, gone, there=False)
        self._wrote()

    async def adopt(self, ref: Ref, uid: str, owner: Manifest) -> None:
        """Give it an owner."""
        self._wrote()

    def _keeps_its_pods(self, ref: Ref, manifest: Manifest) -> None:
        old = self.objects.get(ref)
        if old is not None and ref.kind == "Deployment":
            same = old["spec"]["template"] == manifest["spec"]["template"]
            assert same, f"the pods of {ref} are replaced for nothing"

    def somebody_deletes(self, ref: Ref) -> None:
        """A child goes without having been asked to by the operator."""
        gone = self.objects.pop(ref)
        self.taken.add(ref)
        self.cache.drop(ref)
        self._tell(ref, gone, there=False)

    def somebody_scales(self, ref: Ref) -> None:
        """A Deployment is edited by hand."""
        self.version += 1
        old = self.objects[ref]
        meta = {**old["metadata"], "generation": self.version}
        self.objects[ref] = {**old, "metadata": meta, "spec": {**old["spec"], "replicas": BY_HAND}}
        self.cache.put(self.objects[ref])

    def somebody_annotates(self, ref: Ref, name: str, text: str) -> None:
        """An annotation is edited by hand."""
        self.version += 1
        old = self.objects[ref]
        annotations = {**old["metadata"].get("annotations", {}), name: text}
        meta = {**old["metadata"], "annotations": annotations, "generation": self.version}
        self.objects[ref] = {**old, "metadata": meta}
        self.cache.put(self.objects[ref])

    def _options(self, run: int) -> dict[str, str]:
        config = self.objects[Ref("ConfigMap", KEY.namespace, names.config(KEY.name, run))]
        options: dict[str, str] = json.loads(config["data"]["flink.yaml"])
        return options

    def _tell(self, ref: Ref, manifest: Manifest, *, there: bool = True) -> None:
        if ref.kind != "Deployment" or "-jobmanager-" not in ref.name:
            return
        number = int(manifest["metadata"]["labels"]["modelstream.dev/run"])
        if not there or not manifest["spec"]["replicas"]:
            self.world.ask_nothing(number)
            return
        (main,) = manifest["spec"]["template"]["spec"]["containers"]
        environment = {each["name"]: each.get("value") for each in main["env"]}
        told = ("FROM", "NEWEST", "ELSE", "LESS")
        restore = Restore(*(environment.get(f"MODELSTREAM_RESTORE_{each}") for each in told))
        job = environment["MODELSTREAM_JOB_ID"]
        options = self._options(number)
        root = options["execution.checkpointing.savepoint-dir"]
        keeps = [options.get(f"{each}-result-store.delete-on-commit") for each in _RESULTS]
        keeps_results = keeps == ["false", "false"]
        nonce = self.nonce(number)
        self.world.ask(number, job, restore, root, nonce=nonce, keeps_results=keeps_results)

    def nonce(self, run: int) -> int:
        """Of the spec that a run is made of."""
        config = self.objects[Ref("ConfigMap", KEY.namespace, names.config(KEY.name, run))]
        spec = json.loads(config["data"]["modelstream.yaml"])["spec"]
        return int(spec.get("restartNonce", 0))

    def _show_taskmanagers(self, run: Run) -> None:
        """They run as long as the JobManager does."""
        made = self.objects.get(
            Ref("Deployment", KEY.namespace, names.taskmanager(KEY.name, run.number))
        )
        wanted = made["spec"]["replicas"] if made and run.pod == "Ready" else 0
        for index in range(BY_HAND):
            name = f"scores-taskmanager-{run.number}-{index}"
            if index < wanted:
                self.cache.put(_taskmanager(name, run))
            else:
                self.cache.drop(Ref("Pod", KEY.namespace, name))

    def show(self) -> None:
        """What controllers and kubelets write: status of the Deployments, and pods."""
        self.cache.put(_CLAIM)
        for ref, each in list(self.objects.items()):
            if ref.kind == "Deployment":
                seen = {"observedGeneration": each["metadata"]["generation"]}
                self.cache.put({**each, "status": seen})
        for run in self.world.runs.values():
            ref = Ref("Pod", KEY.namespace, f"scores-jobmanager-{run.number}-x")
            if run.pod:
                self.cache.put(_pod(ref.name, run))
            else:
                self.cache.drop(ref)
            self._show_taskmanagers(run)
            if run.kept:
                for each in _config_maps(self.uid, run):
                    self.cache.high_availability.put(each)
        for index, number in enumerate(self.world.dead):
            name = f"scores-jobmanager-{number}-dead-{index}"
            pod = _pod(name, self.world.runs[number])
            self.cache.put({**pod, "status": {"phase": "Failed", "reason": "Evicted"}})
        for ref in [each for each in self.proofs if self.proofs[each] not in self.world.proofs]:
            self.cache.drop(ref)
            del self.proofs[ref]
        for ref in [each for each in self.sweeps if self.sweeps[each] not in self.world.sweeps]:
            self.cache.drop(ref)
            del self.sweeps[ref]
        for sweep in self.world.sweeps.values():
            pod = sweep.pod(KEY)
            self.sweeps[Ref.of(pod)] = sweep.number
            self.cache.put(pod)
        for proof in self.world.proofs.values():
            pod = proof.pod(KEY)
            self.proofs[Ref.of(pod)] = proof.number
            self.cache.put(pod)


def _config_maps(uid: str, run: Run) -> list[Manifest]:
    """Of high availability: the plan, what the job was restored from, and what it checkpointed."""
    cluster = names.cluster_id(KEY.name, uid, run.number)
    plan = {f"executionPlan-{run.job_id}": "x"} if run.planned else {}
    saved = [each for each in (run.origin, run.checkpoint) if each]
    pointers = {f"checkpointID-{number:019}": each for number, each in enumerate(saved, 1)}
    contents = zip(names.high_availability(cluster, run.job_id), (plan, pointers), strict=True)
    labels = {"type": "flink-native-kubernetes"}
    meta = {"namespace": KEY.namespace, "labels": labels, "resourceVersion": "1"}
    return [
        {
            "kind": "ConfigMap",
            "metadata": {**meta, "name": name, "uid": name},
            "data": data,
        }
        for name, data in contents
    ]


def _pod(name: str, run: Run) -> Manifest:
    labels = {
        "modelstream.dev/name": KEY.name,
        "modelstream.dev/run": str(run.number),
        "app.kubernetes.io/component": "jobmanager",
    }
    meta = {"name": name, "namespace": KEY.namespace, "uid": name, "labels": labels}
    meta["annotations"] = {"modelstream.dev/job": run.job_id}
    meta["creationTimestamp"] = "2026-01-01T00:00:00Z"
    if run.pod == "Leaving":
        meta["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    ready = {"type": "Ready", "status": str(run.pod == "Ready")}
    status = {"phase": "Running", "conditions": [ready]}
    if run.record:
        last = {"terminated": {"exitCode": 1, "message": run.record}}
        back = {"waiting": {"reason": "CrashLoopBackOff", "message": ""}}
        container = {"name": "main", "image": "r", "restartCount": 1, "ready": False}
        status["containerStatuses"] = [{**container, "state": back, "lastState": last}]
    return {"kind": "Pod", "metadata": meta, "spec": {"nodeName": "n"}, "status": status}


def _taskmanager(name: str, run: Run) -> Manifest:
    """A pod that has verified its models, and has them loaded."""
    pod = _pod(name, run)
    labels = {**pod["metadata"]["labels"], "app.kubernetes.io/component": "taskmanager"}
    model = {"name": "fraud", "digest": "sha256:a", "signatures": []}
    verified = {"exitCode": 0, "message": json.dumps({"models": [model]})}
    verify = {"name": "verify", "image": "r", "restartCount": 0, "state": {"terminated": verified}}
    status = {**pod["status"], "initContainerStatuses": [verify], "containerStatuses": []}
    return {**pod, "metadata": {**pod["metadata"], "labels": labels}, "status": status}
