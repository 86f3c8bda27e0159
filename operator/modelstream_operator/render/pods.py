"""What the pods of both roles have in common, and how a podTemplate is laid over them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from modelstream_crds.names import CONFIG_MAPS_ROOT, CONFIG_ROOT, SECRETS_ROOT
from modelstream_crds.v1alpha1 import Resources, SecretKey
from modelstream_operator import names
from modelstream_operator.names import Component
from modelstream_operator.render import config, models
from modelstream_operator.render.merge import merge, secure
from modelstream_operator.render.target import Target
from modelstream_operator.render.volumes import one_volume_a_claim, volume_name
from modelstream_operator.resources import DEPLOYMENT, Manifest

MAIN = "main"
"""Name of the container that runs Flink; a podTemplate refers to it."""

Part = dict[str, Any]


@dataclass(frozen=True)
class Role:
    """What differs between the two roles."""

    component: Component
    deployment: str
    resources: Part
    ports: Mapping[str, int]
    environment: Mapping[str, str]
    readiness: Part
    liveness: Part | None
    secrets: Iterable[SecretKey]
    template: Mapping[str, Any]
    placement: Part = field(default_factory=dict)


def deployment(target: Target, role: Role) -> Manifest:
    """A Deployment that replaces its pods at once, never two generations side by side.

    How many there are is the run's.
    """
    spec = {
        "revisionHistoryLimit": 1,
        "strategy": {"type": "Recreate"},
        "selector": {"matchLabels": target.selector(role.component)},
        "template": pod_template(target, role),
    }
    return target.run_child(DEPLOYMENT, role.deployment, role.component, spec=spec)


def pod_template(target: Target, role: Role) -> Part:
    """The pod: rendered, the user's podTemplate over it, labels and security on top."""
    spec = {
        "serviceAccountName": target.account,
        "automountServiceAccountToken": _has_token(target),
        "enableServiceLinks": False,
        "initContainers": [
            _with_image(target, _with_cpu(each, role)) for each in models.init_containers(target)
        ],
        "containers": [_with_image(target, _main(target, role))],
        "volumes": _volumes(target, role),
        **_pull_secrets(target),
        **role.placement,
    }
    labels = {**target.run_labels, names.LABEL_COMPONENT: role.component.value}
    annotations = {names.ANNOTATION_JOB: target.job_id}
    ours: Part = {"metadata": {}, "spec": spec}
    merged = merge(ours, {key: role.template[key] for key in ours if role.template.get(key)})
    meta = merged["metadata"]
    theirs = {each["name"] for each in (role.template.get("spec") or {}).get("volumes", ())}
    shared = one_volume_a_claim(merged["spec"], theirs)
    return {
        "metadata": {
            **{key: value for key, value in meta.items() if key in {"labels", "annotations"}},
            "labels": {**meta.get("labels", {}), **labels},
            "annotations": {**meta.get("annotations", {}), **annotations},
        },
        "spec": secure(shared, target.settings.user),
    }


def _has_token(target: Target) -> bool:
    """An account of somebody's own is there for its rights."""
    return target.highly_available or target.spec.flink.service_account.name is not None


def resources(stated: Resources, memory: str, cpu: str, extra: Mapping[str, str]) -> Part:
    """Requests and limits: memory is always limited, and asked for as it is limited."""
    limits = {**stated.limits, "memory": memory, **extra}
    requests = {"cpu": stated.limits.get("cpu", cpu), **stated.requests, "memory": memory}
    return {"requests": requests, "limits": limits}


def secrets_of(target: Target) -> list[SecretKey]:
    """Keys that both roles need: Flink options whose values are secret."""
    return list(target.spec.flink.secret_configuration.values())


def _main(target: Target, role: Role) -> Part:
    return {
        "name": MAIN,
        "command": ["modelstream-pod", role.component.value],
        "env": _environment(role.environment),
        "ports": [
            {"name": name, "containerPort": port, "protocol": "TCP"}
            for name, port in role.ports.items()
        ],
        "readinessProbe": role.readiness,
        **({"livenessProbe": role.liveness} if role.liveness else {}),
        "resources": role.resources,
        "volumeMounts": _mounts(target, role),
    }


def _environment(values: Mapping[str, str]) -> list[Part]:
    constant = {"FLINK_CONF_DIR": names.FLINK_CONF_DIR, "HOME": names.TMP_DIR, **values}
    fields = {"POD_IP": "status.podIP", "POD_NAME": "metadata.name"}
    return [
        *({"name": name, "value": value} for name, value in constant.items()),
        *(
            {"name": name, "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": path}}}
            for name, path in fields.items()
        ),
    ]


def _volumes(target: Target, role: Role) -> list[Part]:
    return [
        {"name": "config", "configMap": {"name": names.config(target.name, target.run)}},
        {"name": "flink-conf", "emptyDir": {}},
        {"name": "tmp", "emptyDir": {}},
        *_program(target)[0],
        *models.volumes(target),
        *config.state_volume(target)[0],
        *(_secret_volume(name, keys) for name, keys in _by_secret(role.secrets).items()),
    ]


def _mounts(target: Target, role: Role) -> list[Part]:
    read_only = {"readOnly": True}
    return [
        {"name": "config", "mountPath": CONFIG_ROOT, **read_only},
        {"name": "flink-conf", "mountPath": names.FLINK_CONF_DIR},
        {"name": "tmp", "mountPath": names.TMP_DIR},
        *_program(target)[1],
        *models.mounts(target),
        *config.state_volume(target)[1],
        *(
            {"name": _volume_of(secret), "mountPath": f"{SECRETS_ROOT}/{secret}", **read_only}
            for secret in _by_secret(role.secrets)
        ),
    ]


def _program(target: Target) -> tuple[list[Part], list[Part]]:
    """Volume and mount of a program that is kept in a ConfigMap: the run's copy, at its place."""
    python = target.spec.python
    if python is None or python.config_map is None:
        return [], []
    name = python.config_map.name
    mount = {"name": "python", "mountPath": f"{CONFIG_MAPS_ROOT}/{name}", "readOnly": True}
    copied = names.program(target.name, target.run)
    return [{"name": "python", "configMap": {"name": copied}}], [mount]


def _by_secret(keys: Iterable[SecretKey]) -> dict[str, list[str]]:
    """Keys of each Secret, sorted, each once."""
    found: dict[str, set[str]] = {}
    for each in keys:
        found.setdefault(each.name, set()).add(each.key)
    return {name: sorted(found[name]) for name in sorted(found)}


def _volume_of(secret: str) -> str:
    return volume_name("secret", secret)


def _secret_volume(name: str, keys: list[str]) -> Part:
    items = [{"key": key, "path": key} for key in keys]
    secret = {"secretName": name, "defaultMode": 0o440, "items": items}
    return {"name": _volume_of(name), "secret": secret}


def _with_cpu(container: Part, role: Role) -> Part:
    """With the processor that the role has: a quota on limits asks it of every container."""
    stated = container["resources"]
    both = {
        kind: {**stated[kind], **{k: v for k, v in role.resources[kind].items() if k == "cpu"}}
        for kind in ("requests", "limits")
    }
    return {**container, "resources": both}


def _with_image(target: Target, container: Part) -> Part:
    policy = target.settings.image_pull_policy
    return {
        **container,
        "image": target.image,
        **({"imagePullPolicy": policy} if policy else {}),
        "terminationMessagePolicy": "FallbackToLogsOnError",
    }


def _pull_secrets(target: Target) -> Part:
    found = [{"name": name} for name in target.settings.image_pull_secrets]
    return {"imagePullSecrets": found} if found else {}
