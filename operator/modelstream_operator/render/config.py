"""The ConfigMap: the manifest as the job reads it, and Flink's options."""

import json
from collections.abc import Mapping
from typing import Any

from modelstream_crds.diff import EFFECTS, Effect
from modelstream_crds.needs import claim_path
from modelstream_crds.v1alpha1 import ModelStream
from modelstream_operator import names
from modelstream_operator.render import memory
from modelstream_operator.render.target import Target
from modelstream_operator.resources import CONFIG_MAP, MODELSTREAM, Manifest

PVC = "pvc://"
"""What the address of state on a claim begins with."""

STATE_VOLUME = "state"
"""Name of the volume of state that is on a claim."""

MAX_PARALLELISM = 256
"""Key groups of a streaming job: how far it can ever be scaled; fixed for the life of its state."""

FOR_EVER = "200 d"
"""How long a job waits for its pods: Flink reads no negative time, and its scheduler none above 248
days."""

WEEK = "7 d"
"""How long the JobManager can tell of what has ended: an operator may have been away."""

RETAINED = "3"
"""Completed checkpoints that are kept: the newest may turn out to be unreadable."""

MODE = "execution.runtime-mode"
CHECKPOINTS = "execution.checkpointing.dir"
SAVEPOINTS = "execution.checkpointing.savepoint-dir"

Options = dict[str, str]
Program = Mapping[str, Any]
"""``data`` and ``binaryData`` of the ConfigMap that holds it."""


def config_map(target: Target) -> Manifest:
    """The ConfigMap that both roles read."""
    data = {
        "modelstream.yaml": json.dumps(job_manifest(target), indent=2),
        "flink.yaml": json.dumps(flink_options(target), indent=2, sort_keys=True),
    }
    return target.run_child(CONFIG_MAP, names.config(target.name, target.run), data=data)


def program_of(config_map: Manifest) -> Program:
    """What a ConfigMap holds."""
    return {part: config_map[part] for part in ("data", "binaryData") if config_map.get(part)}


def program_map(target: Target) -> Manifest:
    """The run's own copy of its program: what the user's becomes later is of another run."""
    name = names.program(target.name, target.run)
    return target.run_child(CONFIG_MAP, name, **(target.program or {}))


def run_spec(manifest: Manifest) -> Manifest:
    """A copy of the spec as it was written, without the fields that concern no run."""
    spec: Manifest = json.loads(json.dumps(manifest["spec"]))
    for path, effect in EFFECTS.items():
        if effect is not Effect.RESTART:
            _leave_out(spec, path.split("."))
    return spec


def _leave_out(place: Manifest, way: list[str]) -> None:
    """Take a field away, and what was there for it alone."""
    field, *below = way
    if below and isinstance(place.get(field), dict):
        _leave_out(place[field], below)
    if not below or not place.get(field):
        place.pop(field, None)


def job_manifest(target: Target) -> Manifest:
    """The resource without what only the operator reads (JSON is YAML too)."""
    spec = run_spec(target.manifest)
    for role in ("jobManager", "taskManager"):
        spec.get("flink", {}).get(role, {}).pop("podTemplate", None)
    return {
        "apiVersion": MODELSTREAM.api_version,
        "kind": MODELSTREAM.kind,
        "metadata": {"name": target.name, "namespace": target.namespace},
        "spec": spec,
    }


def flink_options(target: Target) -> Options:
    """Flink's options: defaults, then the user's, then those that the operator owns."""
    user = {key: str(value) for key, value in target.spec.flink.configuration.items()}
    return {**_defaults(target), **user, **_owned(target)}


def _defaults(target: Target) -> Options:
    common = {
        "taskmanager.memory.managed.fraction": "0.2",
        "metrics.reporter.prom.factory.class": (
            "org.apache.flink.metrics.prometheus.PrometheusReporterFactory"
        ),
    }
    if not target.streaming:
        return {
            **common,
            "restart-strategy.type": "fixed-delay",
            "restart-strategy.fixed-delay.attempts": "3",
            "restart-strategy.fixed-delay.delay": "5 s",
        }
    return {
        **common,
        "pipeline.max-parallelism": str(MAX_PARALLELISM),
        # Else Flink makes the ids of tables' operators from what is chained to them. At parallelism
        # 1 that is one operator more behind a filesystem sink, so that its state is not found.
        "table.exec.uid.generation": "ALWAYS",
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.initial-backoff": "1 s",
        "restart-strategy.exponential-delay.max-backoff": "1 min",
    }


def _owned(target: Target) -> Options:
    flink = target.spec.flink
    jobmanager = memory.jobmanager(flink.job_manager.resources)
    taskmanager = memory.taskmanager(flink.task_manager.resources)
    return {
        "jobmanager.rpc.address": _jobmanager_host(target),
        "jobmanager.rpc.port": str(names.JOBMANAGER_RPC_PORT),
        "blob.server.port": str(names.BLOB_PORT),
        "rest.port": str(names.REST_PORT),
        "rest.bind-port": str(names.REST_PORT),
        "taskmanager.rpc.port": str(names.TASKMANAGER_RPC_PORT),
        "taskmanager.data.port": str(names.TASKMANAGER_DATA_PORT),
        "jobmanager.memory.process.size": f"{jobmanager.jvm}m",
        "taskmanager.memory.process.size": f"{taskmanager.jvm}m",
        "taskmanager.numberOfTaskSlots": str(target.slots),
        "parallelism.default": target.parallelism_gap or str(target.parallelism),
        "pipeline.name": target.name,
        MODE: "STREAMING" if target.streaming else "BATCH",
        "execution.shutdown-on-application-finish": "false",
        "web.submit.enable": "false",
        "web.cancel.enable": "false",
        "metrics.reporter.prom.port": str(names.METRICS_PORT),
        "rest.async.store-duration": WEEK,
        "completed-application-store.expiration-time": WEEK,
        "jobstore.expiration-time": str(7 * 24 * 3600),
        **_waiting(target),
        **_state(target),
    }


def _waiting(target: Target) -> Options:
    """Pods that come late, or a GPU that does, cost time and never the job."""
    registration = {"taskmanager.registration.timeout": FOR_EVER}
    if not target.streaming:
        return {**registration, "slot.request.timeout": FOR_EVER}
    return {
        **registration,
        "jobmanager.scheduler": "Adaptive",
        "jobmanager.adaptive-scheduler.submission.resource-wait-timeout": FOR_EVER,
    }


def _jobmanager_host(target: Target) -> str:
    return f"{names.jobmanager(target.name, target.run)}.{target.namespace}"


def _state(target: Target) -> Options:
    state = target.spec.state
    if state is None:
        return {}
    root = state_root(target)
    return {
        "execution.checkpointing.interval": state.checkpoint_interval,
        "execution.checkpointing.storage": "filesystem",
        CHECKPOINTS: f"{root}/checkpoints",
        SAVEPOINTS: f"{root}/savepoints",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "execution.checkpointing.num-retained": RETAINED,
        # Else nothing would say that a job has ended, and a new JobManager would begin it again.
        "job-result-store.delete-on-commit": "false",
        "application-result-store.delete-on-commit": "false",
        "high-availability.type": "kubernetes",
        "high-availability.storageDir": f"{root}/ha/{target.job_id}",
        "high-availability.jobmanager.port": str(names.JOBMANAGER_RPC_PORT),
        "kubernetes.cluster-id": target.cluster_id,
        "kubernetes.namespace": target.namespace,
    }


def state_root(target: Target) -> str:
    """URL of this job's own directory; several resources may share one storage."""
    storage = storage_of(target.stream)
    return mounted(f"{storage}/{target.namespace}/{target.name}", storage)


def storage_of(stream: ModelStream) -> str:
    """``spec.state.storage`` without a slash at its end; empty without state."""
    return stream.spec.state.storage.rstrip("/") if stream.spec.state else ""


def mounted(address: str, storage: str) -> str:
    """An address as pods have it: what ``storage`` has on a claim is below its mount."""
    if not address.startswith(PVC):
        return address
    return f"file://{names.STATE_DIR}{address[len(storage) :]}"


def state_volume(target: Target) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Volume and mount of state that is kept on a claim."""
    if not (storage := storage_of(target.stream)).startswith(PVC):
        return [], []
    name, path = claim_path(storage)
    mount = {"name": STATE_VOLUME, "mountPath": names.STATE_DIR}
    if path:
        mount["subPath"] = path
    return [{"name": STATE_VOLUME, "persistentVolumeClaim": {"claimName": name}}], [mount]
