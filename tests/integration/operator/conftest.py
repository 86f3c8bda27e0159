"""A real API server, and the operator as a process of its own in front of it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from tests.support.controllers import Kubelet, add_node, controllers
from tests.support.controlplane import ControlPlane
from tests.support.courses import Pods, flinks
from tests.support.flinkdouble import FlinkDouble
from tests.support.operatorprocess import (
    Manifest,
    Operator,
    Space,
    namespace,
    running_operator,
    wait_until,
)

from modelstream_crds.crd import custom_resource_definition


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane.start() as plane:
        plane.install_crd(custom_resource_definition())
        yield plane


@pytest.fixture(scope="session")
def operator(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    with running_operator(plane, tmp_path_factory.mktemp("operator") / "log") as operator:
        yield operator


@pytest.fixture
def space(plane: ControlPlane, operator: Operator) -> Iterator[Space]:
    with namespace(plane) as space:
        yield space


@pytest.fixture(scope="module")
def cluster() -> Iterator[ControlPlane]:
    """A control plane with Kubernetes' controllers and a node."""
    with ControlPlane.start() as plane, controllers(plane):
        plane.install_crd(custom_resource_definition())
        add_node(plane)
        yield plane


@pytest.fixture(scope="module")
def kubelet(cluster: ControlPlane) -> Iterator[Kubelet]:
    with Kubelet(cluster).running() as kubelet:
        yield kubelet


@pytest.fixture(scope="module")
def flink(cluster: ControlPlane) -> Iterator[FlinkDouble]:
    with flinks(cluster) as double:
        yield double


@pytest.fixture(scope="module")
def serving(
    cluster: ControlPlane,
    kubelet: Kubelet,
    flink: FlinkDouble,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Operator]:
    """An operator that asks Flink often."""
    log = tmp_path_factory.mktemp("serving") / "log"
    settings = {
        "MODELSTREAM_FLINK_REST": f"http://127.0.0.1:{flink.port}/{{namespace}}/{{name}}/{{run}}",
        "MODELSTREAM_FLINK_TIMEOUT": "1",
        "MODELSTREAM_FLINK_POLL_BUSY": "0.2",
        "MODELSTREAM_FLINK_POLL_STABLE": "0.5",
    }
    with running_operator(cluster, log, **settings) as operator:
        yield operator


@pytest.fixture
def home(cluster: ControlPlane, serving: Operator) -> Iterator[Space]:
    """A namespace on the cluster, with the claims that the streams of the tests name."""
    with namespace(cluster) as space:
        for name in ("models", "state"):
            claim = {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "metadata": {"name": name},
                "spec": {
                    "accessModes": ["ReadWriteMany"],
                    "resources": {"requests": {"storage": "1Gi"}},
                },
            }
            cluster.request("POST", space.path("persistentvolumeclaims"), claim)
        yield space


@pytest.fixture
def pods(kubelet: Kubelet, home: Space) -> Pods:
    return Pods(kubelet, home.name)


@pytest.fixture
def scores() -> Manifest:
    """A small pipeline."""
    return {
        "apiVersion": "modelstream.dev/v1alpha1",
        "kind": "ModelStream",
        "metadata": {"name": "scores"},
        "spec": {
            "models": [{"name": "half", "uri": "pvc://models/half"}],
            "pipeline": {
                "source": {
                    "connector": "datagen",
                    "schema": [{"name": "x", "type": "FLOAT"}],
                },
                "inference": {"model": "half"},
                "sink": {"connector": "print"},
            },
        },
    }


@pytest.fixture(scope="session")
def until() -> Callable[..., Any]:
    return wait_until
