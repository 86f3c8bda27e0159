"""Nodes that are drained, have no room or are not there: what that costs a stream with state.

A kind cluster of two nodes of its own, whose claims are one directory of this machine, so that pods
find their state on each. `make e2e-nodes` runs it; E2E_WAIT is for how many seconds no TaskManager
comes (330: Flink's own patience would be over).
"""

import json
import os
import time

import pytest
from tests.e2e import workloads
from tests.e2e.broker import broker
from tests.e2e.cluster import MODELSTREAM, Namespace, eventually, run
from tests.e2e.conftest import WORK
from tests.e2e.counting import COUNTED, another, counts, once, send

CLUSTER = "modelstream-nodes"
FIRST, SECOND = f"{CLUSTER}-control-plane", f"{CLUSTER}-worker"
DRAIN = ("drain", SECOND, "--ignore-daemonsets", "--delete-emptydir-data")
SHARED = "/shared"
LATE = "late"
WAIT = float(os.environ.get("E2E_WAIT", "330"))
ENDLESS = """
from pyflink.table import EnvironmentSettings, TableEnvironment

t_env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
t_env.execute_sql(
    "CREATE TABLE numbers (x INT) WITH ('connector' = 'datagen', 'rows-per-second' = '1')"
)
t_env.execute_sql("CREATE TABLE nothing (x INT) WITH ('connector' = 'blackhole')")
t_env.execute_sql("INSERT INTO nothing SELECT x FROM numbers")
"""


@pytest.fixture(scope="session")
def cluster(timed, tmp_path_factory):
    """In place of the one that the other tests share; all pods go to the first node for now."""
    shared = tmp_path_factory.mktemp("shared")
    shared.chmod(0o777)
    mounts = [{"hostPath": str(shared), "containerPath": SHARED}]
    nodes = [{"role": role, "extraMounts": mounts} for role in ("control-plane", "worker")]
    config = {"kind": "Cluster", "apiVersion": "kind.x-k8s.io/v1alpha4", "nodes": nodes}
    before = os.environ.get("KUBECONFIG")
    os.environ["KUBECONFIG"] = str(tmp_path_factory.mktemp("kube") / "config")
    run("kind", "delete", "cluster", "--name", CLUSTER)  # of a run that was interrupted
    try:
        timed("create the cluster of two nodes", lambda: create(config))
        yield CLUSTER
    finally:
        run("kind", "delete", "cluster", "--name", CLUSTER)
        os.environ.pop("KUBECONFIG")
        if before is not None:
            os.environ["KUBECONFIG"] = before


def create(config):
    image = os.environ.get("KIND_NODE_IMAGE")
    command = ["kind", "create", "cluster", "--name", CLUSTER, "--config", "-", "--wait", "180s"]
    run(*command, *(["--image", image] if image else []), stdin=json.dumps(config).encode())
    kubectl("wait", "nodes", "--all", "--for=condition=Ready", "--timeout=180s")
    kubectl("taint", "nodes", FIRST, "node-role.kubernetes.io/control-plane:NoSchedule-")
    kubectl("cordon", SECOND)
    if registry := os.environ.get("E2E_REGISTRY"):
        reach(registry)


def reach(registry):
    """A registry in a container of this machine has the same name for the nodes as it has here."""
    published = f"publish={registry.rpartition(':')[2]}"
    container = run("docker", "ps", "--filter", published, "--format", "{{.Names}}").strip()
    if not container:
        return  # one that is elsewhere
    directory = f"/etc/containerd/certs.d/{registry}"
    hosts = f'[host."http://{container}:5000"]\n'.encode()
    for node in (FIRST, SECOND):
        run("docker", "exec", node, "mkdir", "-p", directory)
        run(
            "docker", "exec", "-i", node, "cp", "/dev/stdin", f"{directory}/hosts.toml", stdin=hosts
        )


def kubectl(*arguments):
    return run("kubectl", *arguments)


def only(node):
    """New pods go to this node."""
    kubectl("uncordon", node)
    kubectl("cordon", SECOND if node == FIRST else FIRST)


@pytest.fixture(scope="session")
def work(system):
    """A namespace whose claim is the directory that both nodes have."""
    namespace = Namespace(WORK)
    namespace.create()
    size, modes = {"storage": "1Gi"}, ["ReadWriteMany"]
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "shared"},
        "spec": {
            "accessModes": modes,
            "capacity": size,
            "storageClassName": "",
            "hostPath": {"path": SHARED, "type": "Directory"},
            "claimRef": {"namespace": WORK, "name": "data"},
        },
    }
    claim = workloads.claim("data")
    bound = {"accessModes": modes, "storageClassName": "", "volumeName": "shared"}
    namespace.apply(volume, workloads.merged(claim, {"spec": bound}))
    yield namespace
    namespace.delete()


@pytest.fixture(scope="module")
def kafka(work, images):
    """On the first node, which stays."""
    with broker(work, images.kafka) as running:
        running.create("numbers", "counted")
        yield running


@pytest.fixture(scope="module")
def counted(work, kafka):
    """A stream that counts, on the second node; what its TaskManager writes there is limited."""
    only(SECOND)
    program, stream = workloads.counted(COUNTED)
    template = workloads.merged(workloads.DATA, {})
    template["spec"]["volumes"].append({"name": "tmp", "emptyDir": {"sizeLimit": "1Gi"}})
    stream["spec"]["flink"]["taskManager"]["podTemplate"] = template
    work.apply(program, stream)
    work.ready(COUNTED, 600)
    yield work
    work.remove(COUNTED)


def run_of(namespace, stream):
    status = namespace.status(stream)
    return status["run"], status["job"]["id"]


def live(namespace, component):
    """Pods that have not ended."""
    found = namespace.pods(COUNTED, component)
    return [pod for pod in found if pod["status"]["phase"] not in {"Failed", "Succeeded"}]


def budget(namespace, enabled):
    """Let the stream forbid, or allow, that its pods are evicted."""
    edit = json.dumps({"spec": {"podDisruptionBudget": {"enabled": enabled}}})
    namespace.kubectl("patch", f"{MODELSTREAM}/{COUNTED}", "--type=merge", "-p", edit)


def healthy(namespace):
    """Pods that the stream's budget counts."""
    found = namespace.get("poddisruptionbudgets")["items"]
    return found[0].get("status", {}).get("currentHealthy") if found else None


def test_a_stream_that_forbids_it_is_not_drained(counted):
    before = run_of(counted, COUNTED)
    budget(counted, enabled=True)
    eventually(lambda: healthy(counted) == 2, 60, "the budget counts both pods")
    with pytest.raises(AssertionError, match="disruption budget"):
        kubectl(*DRAIN, "--timeout=20s")
    assert run_of(counted, COUNTED) == before
    kubectl("uncordon", SECOND)
    budget(counted, enabled=False)
    eventually(lambda: healthy(counted) is None, 60, "the budget goes")


def test_a_drained_node_costs_a_move_and_nothing_else(counted, kafka, timed):
    before = run_of(counted, COUNTED)
    send(kafka, *range(100))
    kafka.wait("counted", 100)
    kubectl("uncordon", FIRST)
    timed("kubectl drain", lambda: kubectl(*DRAIN, "--timeout=300s"))
    send(kafka, *range(100, 200))
    found = timed("drained → counted on, on the other node", lambda: counts(kafka, 200))

    assert found == once(200)
    counted.ready(COUNTED)
    pods = live(counted, "jobmanager") + live(counted, "taskmanager")
    assert [pod["spec"]["nodeName"] for pod in pods] == [FIRST, FIRST]
    assert run_of(counted, COUNTED) == before
    kubectl("uncordon", SECOND)


def test_a_pod_that_the_kubelet_evicts_costs_another_and_no_later_edit(counted, kafka, timed):
    before = run_of(counted, COUNTED)
    (pod,) = live(counted, "taskmanager")
    name = pod["metadata"]["name"]
    fill = ("dd", "if=/dev/zero", "of=/tmp/full", "bs=1M", "count=1100")
    counted.kubectl("exec", name, "-c", "main", "--", *fill)
    timed(
        "more in /tmp than it may have → evicted",
        lambda: eventually(
            lambda: counted.get("pod", name)["status"].get("reason") == "Evicted",
            240,
            "the kubelet evicts it",
            lambda: counted.story(COUNTED),
        ),
    )
    send(kafka, *range(200, 300))
    assert timed("evicted → counted on", lambda: counts(kafka, 300)) == once(300)
    counted.ready(COUNTED)
    assert run_of(counted, COUNTED) == before
    assert counted.get("pod", name)["status"]["phase"] == "Failed"

    edit = '{"spec": {"restartNonce": 1}}'
    counted.kubectl("patch", f"{MODELSTREAM}/{COUNTED}", "--type=merge", "-p", edit)
    eventually(
        lambda: another(counted, before[1]), 300, "it restarts", lambda: counted.story(COUNTED)
    )
    send(kafka, *range(300, 400))
    assert counts(kafka, 400) == once(400)


def late(work):
    """A stream whose TaskManager wants a node that is not there yet."""
    pool = {"taskManager": {"podTemplate": {"spec": {"nodeSelector": {"pool": LATE}}}}}
    work.apply(
        workloads.config_map(LATE, **{"job.py": ENDLESS}),
        workloads.stream(
            LATE,
            python={"configMap": {"name": LATE, "key": "job.py"}},
            state={"storage": f"pvc://data/{LATE}"},
            flink=workloads.merged(workloads.TINY, pool),
        ),
    )
    eventually(
        lambda: work.status(LATE).get("job", {}).get("state") == "CREATED",
        300,
        "the job waits for its TaskManager",
        lambda: work.story(LATE),
    )


@pytest.mark.timeout(1800 + WAIT)
def test_no_job_ends_because_its_taskmanagers_are_late(counted, kafka, timed, noted):
    """One has lost its TaskManager, and one never had any."""
    late(counted)
    before = {each: run_of(counted, each) for each in (COUNTED, LATE)}
    for node in (FIRST, SECOND):
        kubectl("cordon", node)
    (pod,) = live(counted, "taskmanager")
    counted.kubectl("delete", "pod", pod["metadata"]["name"])
    until = time.monotonic() + WAIT
    while time.monotonic() < until:
        phases = {each: counted.status(each)["phase"] for each in before}
        assert "Failed" not in phases.values(), counted.story(COUNTED) + counted.story(LATE)
        time.sleep(5)
    noted("no TaskManager", WAIT)
    assert phases == {COUNTED: "Pending", LATE: "Pending"}
    assert {each: run_of(counted, each) for each in before} == before

    for node in (FIRST, SECOND):
        kubectl("uncordon", node)
    kubectl("label", "node", SECOND, f"pool={LATE}")
    send(kafka, *range(400, 500))
    found = timed("nodes come → counted on", lambda: counts(kafka, 500))
    timed("nodes come → the late one is Ready", lambda: counted.ready(LATE, 300))

    assert found == once(500)
    assert {each: run_of(counted, each) for each in before} == before
    counted.remove(LATE)
