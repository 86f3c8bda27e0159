import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e import images as image_building
from tests.e2e import workloads
from tests.e2e.cluster import MODELSTREAM, ROOT, Namespace, eventually, run
from tests.e2e.images import Images
from tests.support.models import guesslang

TIMINGS = pytest.StashKey[list[tuple[str, float]]]()
TOOLS = {
    "docker": "docker.com, or the package docker.io",
    "kubectl": "kubernetes.io/docs/tasks/tools",
    "helm": "helm.sh/docs/intro/install",
}
SYSTEM, WORK = "modelstream-system", "modelstream-e2e"
GPU = "nvidia.com/gpu"
PRODUCT = "NVIDIA-A100-SXM4-80GB"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        item.add_marker(pytest.mark.e2e)
        # What it waits for, one after the other and in its fixtures, has deadlines of its own.
        item.add_marker(pytest.mark.timeout(1800))


def pytest_configure(config: pytest.Config) -> None:
    config.stash[TIMINGS] = []


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if rows := config.stash[TIMINGS]:
        terminalreporter.section("how long it took")
        for what, seconds in rows:
            terminalreporter.write_line(f"{seconds:8.1f} s  {what}")


@pytest.fixture(scope="session")
def noted(request: pytest.FixtureRequest) -> Callable[[str, float], None]:
    """Note how many seconds something took, for the table at the end."""
    return lambda what, seconds: request.config.stash[TIMINGS].append((what, seconds))


@pytest.fixture(scope="session")
def timed(noted) -> Callable[[str, Callable[[], Any]], Any]:
    """Call something and note how long it took."""

    def measure(what: str, call: Callable[[], Any]) -> Any:
        started = time.monotonic()
        try:
            return call()
        finally:
            noted(what, time.monotonic() - started)

    return measure


@pytest.fixture(scope="session", autouse=True)
def _tools() -> None:
    missing = [f"{name} ({where})" for name, where in TOOLS.items() if shutil.which(name) is None]
    if missing:
        pytest.fail(f"the end-to-end tests need {', '.join(missing)}", pytrace=False)


@pytest.fixture(scope="session")
def cluster(timed, tmp_path_factory) -> Iterator[str | None]:
    """The cluster of KUBECONFIG; else the kind cluster that is there; else a new one.

    Gives the name of a kind cluster, None for another.
    """
    if os.environ.get("KUBECONFIG"):
        context = run("kubectl", "config", "current-context").strip()
        yield context.removeprefix("kind-") if context.startswith("kind-") else None
        return
    name = os.environ.get("E2E_CLUSTER", "kind")
    there = name in run("kind", "get", "clusters").split()
    if not there:
        node = os.environ.get("KIND_NODE_IMAGE")
        image = ["--image", node] if node else []
        command = ["kind", "create", "cluster", "--name", name, "--wait", "180s", *image]
        timed("create the cluster", lambda: run(*command))
    config = tmp_path_factory.mktemp("kube") / "config"
    run("kind", "export", "kubeconfig", "--name", name, "--kubeconfig", str(config))
    os.environ["KUBECONFIG"] = str(config)
    yield name
    del os.environ["KUBECONFIG"]
    if not there:
        run("kind", "delete", "cluster", "--name", name)


@pytest.fixture(scope="session")
def images(cluster, timed, tmp_path_factory) -> Images:
    built = image_building.built(tmp_path_factory.mktemp("images"), timed)
    for image in (built.operator, built.runtime, built.kafka):
        name = image.rpartition("/")[2].partition(":")[0]
        timed(f"bring the {name} image", lambda image=image: image_building.bring(image, cluster))
    return built


@pytest.fixture(scope="session")
def system(cluster, images, timed) -> Iterator[Namespace]:
    """The operator, installed by its chart into a namespace that enforces `restricted`."""
    namespace = Namespace(SYSTEM)
    _clear(namespace)
    namespace.create()
    timed("helm install", lambda: install(namespace, images))
    yield namespace
    uninstall(namespace)
    namespace.delete()


def install(namespace: Namespace, images: Images) -> None:
    values = []
    for key, image in {
        "image": images.operator,
        "runtime.cpu": images.runtime,
        "runtime.cuda": images.runtime,
    }.items():
        repository, _, tag = image.rpartition(":")
        values += ["--set", f"{key}.repository={repository}", "--set", f"{key}.tag={tag}"]
    values += ["--set", "fetch.allowedHosts={http://store}"]
    chart = str(ROOT / "helm" / "modelstream")
    where = ["--namespace", namespace.name, "--wait", "--timeout", "180s"]
    run("helm", "upgrade", "--install", "modelstream", chart, *where, *values)


def uninstall(namespace: Namespace) -> None:
    subprocess.run(
        ["helm", "uninstall", "modelstream", "--namespace", namespace.name, "--wait"],
        capture_output=True,
        check=False,
    )


def _clear(namespace: Namespace) -> None:
    """What an interrupted run left; its operator may be gone, and could end no deletion."""
    uninstall(namespace)
    left = Namespace(WORK)
    there = left.kubectl("get", "crd", MODELSTREAM, "-o", "name", "--ignore-not-found")
    names = left.kubectl("get", MODELSTREAM, "-o", "name").split() if there else []
    for name in names:
        left.kubectl("patch", name, "--type=merge", "-p", '{"metadata": {"finalizers": null}}')
    left.delete()
    namespace.delete()


@pytest.fixture(scope="session")
def work(system, images, timed) -> Iterator[Namespace]:
    """The namespace of the streams: `restricted`, with claims that hold a model and sources."""
    namespace = Namespace(WORK)
    namespace.delete()
    namespace.create()
    claims = [workloads.claim(name) for name in ("models", "data", "state")]
    namespace.apply(*claims, workloads.depot(images.runtime))
    ready = ("wait", "pod/depot", "--for=condition=Ready", "--timeout=300s")
    timed("first pull of the runtime image", lambda: namespace.kubectl(*ready))
    put(namespace, guesslang(), "/claims/models/guesslang")
    put(namespace, ROOT / "runtime" / "modelstream" / "pod", "/data/sources", "*.py")
    yield namespace
    namespace.delete()


def put(namespace: Namespace, directory: Path, target: str, pattern: str = "*") -> None:
    """Copy files into a claim."""
    names = sorted(each.name for each in directory.glob(pattern))
    arriving = f"{target}.arriving"  # a job that watches the target must see whole files only
    archive = subprocess.run(
        ["tar", "-C", str(directory), "-cf", "-", *names], capture_output=True, check=True
    ).stdout
    script = (
        f"mkdir -p {target} {arriving} && tar -C {arriving} -xf -"
        f" && mv {arriving}/* {target} && rmdir {arriving}"
    )
    namespace.kubectl("exec", "-i", "depot", "--", "sh", "-c", script, stdin=archive)


def results(namespace: Namespace, directory: str) -> list[str]:
    """The lines of finished files that a filesystem sink wrote."""
    finished = "-type f -not -name '.*' -not -name '_*'"
    script = f"find {directory} {finished} -exec cat {{}} + 2>/dev/null; true"
    return namespace.kubectl("exec", "depot", "--", "sh", "-c", script).splitlines()


@pytest.fixture(scope="session")
def gpu_node(system) -> Iterator[str]:
    """A node that has "GPUs": capacity in its status and NVIDIA's labels, nothing behind them."""
    node = system.get("nodes")["items"][-1]["metadata"]["name"]
    _capacity(system, node, '"4"')
    labels = {"nvidia.com/gpu.product": PRODUCT, "nvidia.com/gpu.memory": "81920"}
    label = [f"{key}={value}" for key, value in labels.items()]
    system.kubectl("label", "node", node, "--overwrite", *label)
    eventually(
        lambda: system.get("node", node)["status"]["allocatable"].get(GPU) == "4",
        180,
        "the node has GPUs",
    )
    yield node
    system.kubectl("label", "node", node, *(f"{key}-" for key in labels))
    _capacity(system, node, "null")


def _capacity(namespace: Namespace, node: str, count: str) -> None:
    patch = (
        f'{{"status": {{"capacity": {{"{GPU}": {count}}}, "allocatable": {{"{GPU}": {count}}}}}}}'
    )
    namespace.kubectl("patch", "node", node, "--subresource=status", "--type=merge", "-p", patch)
