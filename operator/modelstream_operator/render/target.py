"""What is to be rendered: the resource, and what the life cycle decided about it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from modelstream_crds.v1alpha1 import ModelStream, ModelStreamSpec, RuntimeMode
from modelstream_operator import names
from modelstream_operator.names import Component
from modelstream_operator.resources import Manifest, Resource, owner_reference
from modelstream_operator.settings import Settings


@dataclass(frozen=True)
class Target:
    """Input of every rendering function; equal targets render equal manifests."""

    stream: ModelStream
    manifest: Manifest
    """The resource as the API server has it: what the job reads."""

    settings: Settings = field(default_factory=Settings)
    run: names.RunNumber = 0
    """Number of the run, or a gap for it; 0 where none has begun."""

    job_id: str = ""
    restore_from: str | None = None
    """The path of a savepoint or checkpoint; with ``restore_newest`` the directory to search."""

    restore_newest: str = ""
    """A ``Lookup``, by which the JobManager finds the newest there; or a gap for it."""

    restore_else: str = ""
    """The path that is taken where nothing is found."""

    restore_less: str = ""
    """``true`` where the job may begin with a part of it."""

    running: bool = True
    """False keeps the objects and takes the pods away."""

    program: Mapping[str, Any] | None = None
    """``data`` and ``binaryData`` of the ConfigMap that the spec has its program from."""

    parallelism_gap: str = ""
    """Written instead of a parallelism that follows from the number of TaskManagers."""

    @property
    def spec(self) -> ModelStreamSpec:
        """The resource's spec."""
        return self.stream.spec

    @property
    def name(self) -> str:
        """Name of the resource."""
        return str(self.manifest["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """Namespace of the resource and of all that it owns."""
        return str(self.manifest["metadata"]["namespace"])

    @property
    def highly_available(self) -> bool:
        """Whether the JobManager keeps what it needs to recover outside of its pod."""
        return self.spec.state is not None

    @property
    def account(self) -> str:
        """The pods' ServiceAccount."""
        return self.spec.flink.service_account.name or names.account(self.name)

    @property
    def gpus(self) -> int:
        """GPUs of one TaskManager."""
        return self.spec.gpu.count if self.spec.gpu else 0

    @property
    def slots(self) -> int:
        """Slots of one TaskManager: a Python worker, and so a loaded model, for each."""
        return self.spec.slots

    @property
    def replicas(self) -> int:
        """TaskManagers."""
        return self.spec.flink.task_manager.replicas

    @property
    def parallelism(self) -> int:
        """The job's parallelism."""
        return self.spec.parallelism

    @property
    def streaming(self) -> bool:
        """Whether the job runs in Flink's streaming mode."""
        return self.spec.flink.runtime_mode is RuntimeMode.STREAMING

    @property
    def image(self) -> str:
        """The runtime image."""
        default = self.settings.image_cuda if self.gpus else self.settings.image_cpu
        return self.spec.flink.image or default

    @cached_property
    def labels(self) -> dict[str, str]:
        """Labels of every child."""
        return {
            names.LABEL_NAME: "modelstream",
            names.LABEL_INSTANCE: self.name,
            names.LABEL_MANAGED_BY: names.MANAGER,
            names.LABEL_OWNER: self.name,
        }

    @cached_property
    def run_labels(self) -> dict[str, str]:
        """Labels of every child and pod of the run."""
        return {**self.labels, names.LABEL_RUN: str(self.run)}

    @property
    def cluster_id(self) -> str:
        """What Flink calls the run."""
        return names.cluster_id(self.name, self.manifest["metadata"]["uid"], self.run)

    def selector(self, component: Component) -> dict[str, str]:
        """Labels that select the run's pods of one role; they never change."""
        return {
            names.LABEL_OWNER: self.name,
            names.LABEL_COMPONENT: component.value,
            names.LABEL_RUN: str(self.run),
        }

    def child(
        self, resource: Resource, name: str, component: Component | None = None, **body: Any
    ) -> Manifest:
        """An object that the resource owns, whatever runs."""
        return self._owned(self.labels, resource, name, component, body)

    def run_child(
        self, resource: Resource, name: str, component: Component | None = None, **body: Any
    ) -> Manifest:
        """An object that the resource owns and that goes with the run."""
        return self._owned(self.run_labels, resource, name, component, body)

    def _owned(
        self,
        common: dict[str, str],
        resource: Resource,
        name: str,
        component: Component | None,
        body: Manifest,
    ) -> Manifest:
        labels = common | ({names.LABEL_COMPONENT: component.value} if component else {})
        return {
            "apiVersion": resource.api_version,
            "kind": resource.kind,
            "metadata": {
                "name": name,
                "namespace": self.namespace,
                "labels": labels,
                "ownerReferences": [
                    {
                        **owner_reference(self.manifest),
                        "controller": True,
                        "blockOwnerDeletion": True,
                    }
                ],
            },
            **body,
        }
