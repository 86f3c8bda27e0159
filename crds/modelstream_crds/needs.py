"""What a ModelStream needs that exists only in a cluster, so that a local run must be given it."""

from collections.abc import Iterator
from dataclasses import dataclass

from modelstream_crds.model import scheme
from modelstream_crds.v1alpha1 import ModelStreamSpec, SecretKey, Sink, Source


@dataclass(frozen=True)
class ClusterOnly:
    """A thing of the cluster: what it is, where the manifest names it, and how to replace it."""

    kind: str
    name: str
    path: str
    flag: str

    def __str__(self) -> str:
        return (
            f"{self.path}: the {self.kind} {self.name} exists only in a cluster: give {self.flag}"
        )


def cluster_only(spec: ModelStreamSpec) -> tuple[ClusterOnly, ...]:
    """Claims, image volumes, ConfigMaps and Secrets that ``spec`` names, each place once."""
    return (*_models(spec), *_state(spec), *_program(spec), *_secrets(spec))


def claims(spec: ModelStreamSpec) -> tuple[str, ...]:
    """Claims and ConfigMaps that a job reads, for which a local run takes directories."""
    used = [claim_path(model.uri)[0] for model in spec.models if scheme(model.uri) == "pvc"]
    used += [need.name for need in (*_state(spec), *_program(spec))]
    return tuple(dict.fromkeys(used))


def _models(spec: ModelStreamSpec) -> Iterator[ClusterOnly]:
    kinds = {"pvc": "PersistentVolumeClaim", "image": "image volume"}
    for index, model in enumerate(spec.models):
        kind = kinds.get(scheme(model.uri))
        if kind is not None:
            image = model.uri.partition("://")[2]
            name = image if kind == "image volume" else claim_path(model.uri)[0]
            yield ClusterOnly(kind, name, f"spec.models[{index}].uri", f"--model {model.name}=DIR")


def _state(spec: ModelStreamSpec) -> Iterator[ClusterOnly]:
    if spec.state is not None and scheme(spec.state.storage) == "pvc":
        name, _ = claim_path(spec.state.storage)
        path = "spec.state.storage"
        yield ClusterOnly("PersistentVolumeClaim", name, path, f"--mount {name}=DIR")


def _program(spec: ModelStreamSpec) -> Iterator[ClusterOnly]:
    if spec.python is not None and spec.python.config_map is not None:
        name = spec.python.config_map.name
        yield ClusterOnly("ConfigMap", name, "spec.python.configMap", f"--mount {name}=DIR")


def _secrets(spec: ModelStreamSpec) -> Iterator[ClusterOnly]:
    for path, secret in secret_keys(spec):
        name = f"{secret.name}/{secret.key}"
        yield ClusterOnly("Secret", name, path, f"--secret {name}=FILE")


def secret_keys(spec: ModelStreamSpec) -> Iterator[tuple[str, SecretKey]]:
    """The Secret values that the job reads, each with the path that names it."""
    ends: list[tuple[str, Source | Sink]] = []
    if spec.pipeline is not None:
        pipeline = spec.pipeline
        ends = [("source", pipeline.source), ("sink", pipeline.sink)]
        ends += [("deadLetter", pipeline.dead_letter)] if pipeline.dead_letter else []
    for field, end in ends:
        for option, secret in end.secret_options.items():
            yield f"spec.pipeline.{field}.secretOptions[{option}]", secret
    for option, secret in spec.flink.secret_configuration.items():
        yield f"spec.flink.secretConfiguration[{option}]", secret


def claim_path(uri: str) -> tuple[str, str]:
    """The claim of a pvc:// URI, and the path in it."""
    name, _, path = uri.removeprefix("pvc://").partition("/")
    return name, path.strip("/")
