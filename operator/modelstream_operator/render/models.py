"""How models come into the pods: claims, images, and init containers that fetch and verify."""

from collections.abc import Mapping
from itertools import chain
from pathlib import PurePosixPath
from typing import Any

from modelstream_crds.model import FETCHED, SUFFIXES, scheme
from modelstream_crds.names import CONFIG_ROOT, DIGESTS_ROOT, MODELS_ROOT
from modelstream_crds.needs import claim_path
from modelstream_crds.quantities import quantity
from modelstream_crds.v1alpha1 import Model
from modelstream_operator import names
from modelstream_operator.render.target import Target
from modelstream_operator.render.volumes import volume_name
from modelstream_operator.resources import CONFIG_MAP, Manifest

DEFAULT_SIZE = "10Gi"
"""Cap of a fetched model that states no size."""

VERIFY = "verify"
DIGESTS = "digests"

Part = dict[str, Any]


def fetched(model: Model) -> bool:
    """Whether an init container brings the model."""
    return scheme(model.uri) in FETCHED


def claims(target: Target) -> list[str]:
    """Claims that hold models, each once, in the order of the resource."""
    found = [claim_path(each.uri)[0] for each in target.spec.models if scheme(each.uri) == "pvc"]
    return list(dict.fromkeys(found))


def is_file(path: str) -> bool:
    """Whether the address names one file, which is mounted into the model's directory.

    So it keeps its name, by which its digest and its format are told.
    """
    return PurePosixPath(path).suffix in chain.from_iterable(SUFFIXES.values())


def fetch_container(model: Model) -> str:
    """Name of the init container that fetches a model."""
    return f"fetch-{model.name}"


def volumes(target: Target) -> list[Part]:
    """One volume for each claim, image, fetched model, and credentials file; one for digests."""
    found = [
        {
            "name": _claim_volume(name),
            "persistentVolumeClaim": {"claimName": name, "readOnly": True},
        }
        for name in claims(target)
    ]
    if target.spec.models:
        # Optional: the first pods of a run find out what is to be in it.
        source = {"name": names.digests(target.name, target.run), "optional": True}
        found.append({"name": DIGESTS, "configMap": source})
    for model in target.spec.models:
        if fetched(model):
            found.append({"name": _volume(model), "emptyDir": {"sizeLimit": _size(model)}})
            if _has_file(model):
                secret = {"secretName": model.secret_name, "defaultMode": 0o440}
                found.append({"name": f"credentials-{model.name}", "secret": secret})
        elif scheme(model.uri) == "image":
            image = {"reference": model.uri.removeprefix("image://"), "pullPolicy": "IfNotPresent"}
            found.append({"name": _volume(model), "image": image})
    return found


def digests_map(target: Target, digests: Mapping[str, str]) -> Manifest:
    """What the run's models are: a pod that starts later and finds others does not go on."""
    name = names.digests(target.name, target.run)
    data = dict(sorted(digests.items()))
    return target.run_child(CONFIG_MAP, name, data=data, immutable=True)


def mounts(target: Target) -> list[Part]:
    """Where the job finds its models: read-only at /models/NAME."""
    return [mount for model in target.spec.models for mount in _mount(model)]


def init_containers(target: Target) -> list[Part]:
    """Fetch what is remote, each with its own credentials, then verify every model."""
    if not target.spec.models:
        return []
    fetching = [_fetch(target, each) for each in target.spec.models if fetched(each)]
    return [*fetching, _verify(target)]


def _claim_volume(claim: str) -> str:
    return volume_name("claim", claim)


def _volume(model: Model) -> str:
    return f"model-{model.name}"


def _size(model: Model) -> str:
    return model.size or DEFAULT_SIZE


def _has_file(model: Model) -> bool:
    return model.secret_name is not None and scheme(model.uri) == "gs"


def _mount(model: Model) -> list[Part]:
    mount: Part = {"mountPath": f"{MODELS_ROOT}/{model.name}", "readOnly": True}
    if fetched(model):
        return [{"name": _volume(model), **mount, "subPath": model.name}]
    match scheme(model.uri):
        case "pvc":
            name, path = claim_path(model.uri)
            if is_file(path):
                mount["mountPath"] += f"/{PurePosixPath(path).name}"
            return [{"name": _claim_volume(name), **mount, **({"subPath": path} if path else {})}]
        case "image":
            return [{"name": _volume(model), **mount}]
    return []  # file:// is in the image


def _fetch(target: Target, model: Model) -> Part:
    size = _size(model)
    args = [model.uri, f"{MODELS_ROOT}/{model.name}", "--max-bytes", str(quantity(size))]
    if model.digest:
        args += ["--digest", model.digest]
    container: Part = {
        "name": fetch_container(model),
        "command": ["modelstream-pod", "fetch", *args],
        "env": _fetch_environment(target, model),
        "volumeMounts": [
            {"name": _volume(model), "mountPath": MODELS_ROOT},
            {"name": "tmp", "mountPath": names.TMP_DIR},
            *_credentials_mount(model),
        ],
        "resources": {
            "requests": {"memory": "256Mi", "ephemeral-storage": size},
            "limits": {"memory": "1Gi"},
        },
    }
    if model.secret_name:
        container["envFrom"] = [{"secretRef": {"name": model.secret_name}}]
    return container


def _fetch_environment(target: Target, model: Model) -> list[Part]:
    environment = {"HOME": names.TMP_DIR}
    if target.settings.fetch_allowed_hosts:
        hosts = ",".join(target.settings.fetch_allowed_hosts)
        environment["MODELSTREAM_FETCH_ALLOW"] = hosts
    if _has_file(model):
        path = f"{_credentials_path(model)}/GOOGLE_APPLICATION_CREDENTIALS"
        environment["GOOGLE_APPLICATION_CREDENTIALS"] = path
    return [{"name": name, "value": value} for name, value in environment.items()]


def _credentials_path(model: Model) -> str:
    return f"{names.CREDENTIALS_DIR}/{model.name}"


def _credentials_mount(model: Model) -> list[Part]:
    if not _has_file(model):
        return []
    path = _credentials_path(model)
    return [{"name": f"credentials-{model.name}", "mountPath": path, "readOnly": True}]


def _verify(target: Target) -> Part:
    return {
        "name": VERIFY,
        "command": ["modelstream-pod", "verify"],
        "env": [{"name": "HOME", "value": names.TMP_DIR}],
        "volumeMounts": [
            {"name": "config", "mountPath": CONFIG_ROOT, "readOnly": True},
            {"name": DIGESTS, "mountPath": DIGESTS_ROOT, "readOnly": True},
            {"name": "tmp", "mountPath": names.TMP_DIR},
            *mounts(target),
        ],
        "resources": {
            "requests": {"memory": "256Mi"},
            "limits": {"memory": "1Gi"},
        },
    }
