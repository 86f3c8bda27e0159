"""The main job: a real classifier on GPU nodes, its model on a claim; killed, scaled, restarted."""

import json

import pytest
from tests.e2e import workloads
from tests.e2e.cluster import MODELSTREAM, ROOT, Namespace, eventually
from tests.e2e.conftest import PRODUCT, put, results

NAME = "languages"
FLINK_LABEL = "type=flink-native-kubernetes"
GPU = {"count": 1, "products": [PRODUCT], "minMemory": "40Gi"}
OVERRIDE = {
    "spec": {
        "containers": [{"name": "main", "env": [{"name": "MODELSTREAM_GPU_CHECK", "value": "Off"}]}]
    }
}


def on_the_cpu_of_a_gpu_node(**flink):
    """The documented override: a node here has the label of a GPU and nothing behind it."""
    template = workloads.merged(workloads.DATA, {})
    template["spec"]["containers"][0]["env"] = OVERRIDE["spec"]["containers"][0]["env"]
    task_manager = {"podTemplate": template, **flink.pop("taskManager", {})}
    return workloads.languages(NAME, gpu=GPU, flink={"taskManager": task_manager, **flink})


@pytest.fixture(scope="module")
def languages(work: Namespace, gpu_node: str, timed) -> Namespace:
    """The stream, first with a GPU that is not there, then corrected by an edit."""
    work.apply(workloads.languages(NAME, gpu=GPU))
    timed("apply → GpuNotVisible in status", lambda: work.says(NAME, "GpuNotVisible", timeout=240))
    work.apply(on_the_cpu_of_a_gpu_node())
    timed("corrected by an edit → Ready", lambda: work.ready(NAME, 600))
    return work


def test_a_gpu_that_is_not_visible_is_an_error_and_an_edit_heals_it(languages):
    eventually(lambda: languages.status(NAME)["phase"] == "Running", 120, "it runs")


def test_the_pod_asks_for_the_gpu_and_for_the_node_that_has_it(languages, gpu_node):
    (taskmanager,) = languages.pods(NAME, "taskmanager")
    (jobmanager,) = languages.pods(NAME, "jobmanager")

    limits = taskmanager["spec"]["containers"][0]["resources"]["limits"]
    assert limits["nvidia.com/gpu"] == "1"
    assert taskmanager["spec"]["nodeName"] == gpu_node
    assert "nvidia.com/gpu" not in jobmanager["spec"]["containers"][0]["resources"]["limits"]


def test_the_status_tells_the_model_by_digest_and_signatures(languages):
    (model,) = languages.status(NAME)["models"]

    assert model["digest"].startswith("sha256:")
    assert "serving_default" in model["signatures"]
    assert model["loadedTaskManagers"] == 1


def test_the_status_shows_that_the_gpu_check_is_off(languages):
    gpu = languages.condition(NAME, "GpuAvailable")

    assert (gpu["status"], gpu["reason"]) == ("True", "NotChecked")


def rows(namespace):
    """(file, language) of every result, as often as it is there."""
    read = [json.loads(line) for line in results(namespace, f"/data/{NAME}")]
    return [(each["path"].rpartition("/")[2], each["language"]) for each in read]


def labels(namespace):
    return dict(rows(namespace))


def scored_once(namespace):
    """Files that were there before an outage are not scored again after it."""
    files = [file for file, _ in rows(namespace)]
    return sorted(files) == sorted(set(files))


def test_the_results_are_there(languages, timed):
    timed(
        "first results in files",
        lambda: eventually(
            lambda: labels(languages).get("entrypoint.py") == "py",
            180,
            "the language of entrypoint.py is there",
            lambda: f"{labels(languages)}\n{languages.story(NAME)}",
        ),
    )


def test_the_same_job_goes_on_when_its_jobmanager_is_killed(languages, timed):
    job = languages.status(NAME)["job"]["id"]
    (pod,) = languages.pods(NAME, "jobmanager")
    languages.kubectl("delete", "pod", pod["metadata"]["name"], "--force", "--grace-period=0")
    put(languages, ROOT / "helm" / "modelstream" / "files", "/data/sources", "*.py")
    timed(
        "JobManager killed → a new file is scored",
        lambda: eventually(
            lambda: "uninstall.py" in labels(languages),
            420,
            "the file that came during the outage is scored",
            lambda: languages.story(NAME),
        ),
    )

    assert languages.status(NAME)["job"]["id"] == job
    assert scored_once(languages)


def test_an_operator_that_restarts_leaves_the_job_alone(languages, system):
    before = languages.pods(NAME, "jobmanager")[0]["metadata"]["uid"]
    system.kubectl("delete", "pods", "-l", "app.kubernetes.io/name=modelstream-operator")
    system.kubectl("rollout", "status", "deployment/modelstream", "--timeout=180s")
    languages.ready(NAME, 180)

    assert languages.pods(NAME, "jobmanager")[0]["metadata"]["uid"] == before


def test_kubectl_scale_adds_a_taskmanager_that_has_the_model(languages, timed):
    def two_loaded():
        models = languages.status(NAME).get("models") or [{}]
        return models[0].get("loadedTaskManagers") == 2

    languages.kubectl("scale", f"{MODELSTREAM}/{NAME}", "--replicas=2")
    timed(
        "scale 1 → 2, model loaded on both",
        lambda: eventually(two_loaded, 240, "two have it loaded", lambda: languages.story(NAME)),
    )
    languages.ready(NAME, 180)
    languages.kubectl("scale", f"{MODELSTREAM}/{NAME}", "--replicas=1")
    eventually(lambda: len(languages.pods(NAME, "taskmanager")) == 1, 180, "one is left")


def patched(namespace, **spec):
    change = json.dumps({"spec": spec})
    namespace.kubectl("patch", f"{MODELSTREAM}/{NAME}", "--type=merge", "-p", change)


def saved(namespace, job):
    """Whether the remembered savepoint is the one that this job was stopped with."""
    found = namespace.status(NAME)["ended"]
    return "/var/lib/modelstream/state/" in found["path"] and found["jobId"] == job


def test_a_change_stops_the_job_with_a_savepoint_that_the_next_one_starts_from(languages, timed):
    """At another parallelism, too: two TaskManagers in place of one."""
    before = languages.status(NAME)["job"]["id"]
    two = {"taskManager": {"replicas": 2}}
    patched(languages, pipeline={"inference": {"batch": {"maxSize": 16}}}, flink=two)
    timed(
        "edit → savepoint → the next job is Ready",
        lambda: eventually(
            lambda: (
                languages.status(NAME)["job"]["id"] != before
                and languages.condition(NAME, "Ready").get("status") == "True"
            ),
            300,
            "another job is Ready",
            lambda: languages.story(NAME),
        ),
    )

    assert saved(languages, before)
    assert scored_once(languages)


def test_a_suspended_job_has_no_pods_and_goes_on_from_its_savepoint(languages, timed):
    before = languages.status(NAME)["job"]["id"]
    patched(languages, suspend=True)
    timed(
        "suspend → savepoint, no pods",
        lambda: eventually(
            lambda: languages.status(NAME)["phase"] == "Suspended",
            180,
            "the job is suspended",
            lambda: languages.story(NAME),
        ),
    )
    assert saved(languages, before)
    # The object of a pod that has ended goes a moment after its containers.
    eventually(lambda: not pods_of_both_roles(languages), 30, "no pod is left")

    put(languages, ROOT / "bench", "/data/sources", "mlp.py")
    patched(languages, suspend=False, flink={"taskManager": {"replicas": 1}})
    timed(
        "resume → the file of the meantime is scored",
        lambda: eventually(
            lambda: "mlp.py" in labels(languages),
            300,
            "the file that came while it was suspended is scored",
            lambda: languages.story(NAME),
        ),
    )
    assert languages.status(NAME)["job"]["id"] != before
    assert scored_once(languages)
    languages.ready(NAME, 180)


def pods_of_both_roles(namespace):
    return namespace.pods(NAME, "jobmanager") + namespace.pods(NAME, "taskmanager")


def test_an_edit_that_makes_no_sense_leaves_the_job_running(languages, timed):
    """One that the API server refuses, and one whose model is not there."""
    uid = languages.pods(NAME, "taskmanager")[0]["metadata"]["uid"]
    patch = '{"spec": {"pipeline": {"inference": {"model": "nobody"}}}}'
    with pytest.raises(AssertionError, match="model"):
        languages.kubectl("patch", f"{MODELSTREAM}/{NAME}", "--type=merge", "-p", patch)

    patched(languages, models=[{**workloads.GUESSLANG, "uri": "pvc://models/nothing"}])
    timed(
        "edit to a model that is not there → said in Updated",
        lambda: languages.says(NAME, "Updated False ModelNotFound", "the job that runs goes on"),
    )
    assert languages.condition(NAME, "Ready")["status"] == "True"
    assert languages.status(NAME)["phase"] == "Running"
    patched(languages, models=[workloads.GUESSLANG])
    languages.says(NAME, "Updated True")

    assert languages.pods(NAME, "taskmanager")[0]["metadata"]["uid"] == uid


def test_a_taskmanager_leaves_in_seconds(languages, timed):
    (pod,) = languages.pods(NAME, "taskmanager")
    name = pod["metadata"]["name"]
    grace = ("--grace-period=300", "--timeout=25s")  # it goes by itself, not when that is over
    timed("SIGTERM → TaskManager gone", lambda: languages.kubectl("delete", "pod", name, *grace))


def test_deletion_takes_everything_along(languages, timed):
    timed("delete → no pods", lambda: languages.remove(NAME))
    eventually(lambda: not left(languages), 180, "nothing is left", lambda: left(languages))


def left(namespace):
    """What the cluster has not collected yet."""
    kinds = "all,configmaps,networkpolicies,serviceaccounts,roles,rolebindings"
    ours = namespace.kubectl("get", kinds, "-o", "name", "-l", f"app.kubernetes.io/instance={NAME}")
    flinks = namespace.kubectl("get", "configmaps", "-o", "name", "-l", FLINK_LABEL)
    return (ours + flinks).strip()
