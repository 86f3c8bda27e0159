"""What goes wrong is said in status, with its cause; several at a time, none in another's way."""

import pytest
from tests.e2e import objectstore, workloads
from tests.e2e.cluster import ROOT, Namespace, eventually
from tests.e2e.watcher import Watcher

SQL = {"statements": "CREATE TABLE x (y INT) WITH ('connector' = 'print'); INSERT INTO x VALUES 1"}
STORED = "s3://models/guesslang"


def broken(name, **spec):
    flink = workloads.merged(workloads.TINY, spec.pop("flink", {}))
    return workloads.stream(
        name, models=spec.pop("models", [workloads.GUESSLANG]), flink=flink, **spec
    )


def model(uri, **fields):
    return [{"name": "guesslang", "uri": uri, **fields}]


def program(key):
    return {"configMap": {"name": "programs", "key": key}}


ON_RECORD = """
from pyflink.table import DataTypes, EnvironmentSettings, TableEnvironment
from pyflink.table.udf import udf

@udf(result_type=DataTypes.INT())
def meets(x):
    {body}

t_env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
t_env.create_temporary_function("meets", meets)
t_env.execute_sql(
    "CREATE TABLE numbers (x INT) WITH ('connector' = 'datagen', 'rows-per-second' = '1')"
)
t_env.execute_sql("CREATE TABLE nothing (x INT) WITH ('connector' = 'blackhole')")
t_env.execute_sql("INSERT INTO nothing SELECT meets(x) FROM numbers")
"""
PROGRAMS = {
    "import.py": "raise ValueError('no such luck')\n",
    "build.py": (
        "from pyflink.table import EnvironmentSettings, TableEnvironment\n"
        "t_env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())\n"
        "t_env.execute_sql('INSERT INTO nowhere SELECT 1')\n"
    ),
    "record.py": ON_RECORD.format(body="raise LookupError('not this record')"),
    "memory.py": ON_RECORD.format(
        body="hog = []\n    while True: hog.append(b'x' * (32 << 20))",
    ),
}
CASES = {
    "image": (broken("image", sql=SQL, flink={"image": "localhost:5001/no/such:1"}), ("pull",)),
    "claim": (broken("claim", sql=SQL, models=model("pvc://nobody/x")), ("claim", "nobody")),
    "unbound": (broken("unbound", sql=SQL, models=model("pvc://unbound/x")), ("ClaimNotBound",)),
    "gpu": (broken("gpu", sql=SQL, gpu={"count": 64}), ("gpu",)),
    "product": (
        broken("product", sql=SQL, gpu={"count": 1, "products": ["NVIDIA-H200"]}),
        ("NVIDIA-H200",),
    ),
    "private": (
        broken("private", sql=SQL, models=model("https://10.96.0.1/model.tar.gz")),
        ("10.96.0.1",),
    ),
    "path": (broken("path", sql=SQL, models=model("pvc://models/nothing")), ("ModelNotFound",)),
    "digest": (
        broken(
            "digest",
            sql=SQL,
            models=model("pvc://models/guesslang", digest="sha256:" + "0" * 64),
        ),
        ("expected", "0" * 64),
    ),
    "corrupt": (broken("corrupt", sql=SQL, models=model("pvc://models/corrupt")), ("ModelFormat",)),
    "absent": (
        broken("absent", sql=SQL, models=model("s3://models/nobody", secretName="store-key")),
        ("FetchFailed", "not found", "s3://models/nobody"),
    ),
    "denied": (
        broken("denied", sql=SQL, models=model(STORED, secretName="wrong-key")),
        ("FetchFailed", "access denied"),
    ),
    "large": (
        broken("large", sql=SQL, models=model(STORED, secretName="store-key", size="64Ki")),
        ("FetchFailed", "larger than the 65,536 bytes", "size"),
    ),
    "import": (
        broken("python-import", python=program("import.py")),
        ("PythonError", "ValueError", "no such luck"),
    ),
    "build": (
        broken("python-build", python=program("build.py")),
        ("JobNotBuilt", "nowhere"),
    ),
    "signature": (
        broken(
            "signature",
            pipeline=workloads.merged(
                workloads.languages("x")["spec"]["pipeline"],
                {"inference": {"signature": "nobody", "method": None}},
            ),
        ),
        ("nobody",),
    ),
    "record": (
        workloads.stream(
            "python-record", models=[workloads.GUESSLANG], python=program("record.py")
        ),
        ("JobRunning", "LookupError", "not this record"),
    ),
    "memory": (
        workloads.stream("memory", models=[workloads.GUESSLANG], python=program("memory.py")),
        ("OutOfMemory", "taskManager.resources.limits.memory"),
    ),
}
for case in CASES.values():
    if inference := case[0]["spec"].get("pipeline", {}).get("inference"):
        inference.pop("method")


WARDS = {
    "before any container": ("image", "claim", "unbound", "gpu", "product", "private"),
    "verified": ("path", "digest", "corrupt"),
    "fetched": ("absent", "denied", "large"),
    "submit": ("import", "build", "signature"),
    "at work": ("record", "memory"),
}
"""Together on the cluster; all of them at once would ask for more than two cores."""


@pytest.fixture(scope="module")
def ill(work, images):
    """What the cases refer to: programs, a store with two keys, a broken model, a claim."""
    script = (ROOT / "tests" / "e2e" / "objectstore.py").read_text()
    unbound = workloads.claim("unbound")
    unbound["spec"]["storageClassName"] = ""  # no class, and no volume that somebody made
    work.apply(
        workloads.config_map("programs", **PROGRAMS),
        workloads.store_credentials("store-key"),
        workloads.store_credentials("wrong-key", key="somebody"),
        unbound,
        *workloads.object_store(images.runtime, script),
    )
    corrupt = "mkdir -p /claims/models/corrupt && echo no > /claims/models/corrupt/saved_model.pb"
    work.kubectl("exec", "depot", "--", "sh", "-c", corrupt)
    work.kubectl("wait", "pod/store", "--for=condition=Ready", "--timeout=180s")
    assert objectstore.PORT == workloads.STORE_PORT
    yield work
    work.kubectl("delete", "pod/store", "service/store", "pvc/unbound", "--ignore-not-found")


@pytest.fixture(scope="module")
def ward(request, ill):
    """Several at once: what is wrong with one must not hide what is wrong with another."""
    manifests = [CASES[case][0] for case in WARDS[request.param]]
    with Watcher.on(ill) as watcher:
        ill.apply(*manifests)
        yield ill, watcher
    names = [manifest["metadata"]["name"] for manifest in manifests]
    ill.kubectl("delete", "modelstreams", *names, "--timeout=180s")
    labels = "app.kubernetes.io/managed-by=modelstream-operator"
    eventually(lambda: not ill.get("pods", "", "-l", labels)["items"], 180, "all pods are gone")


@pytest.mark.parametrize(
    ("ward", "case"),
    [pytest.param(ward, case, id=case) for ward, cases in WARDS.items() for case in cases],
    indirect=["ward"],
)
def test_the_cause_is_in_the_status(ward, timed, noted, case):
    manifest, words = CASES[case]
    name = manifest["metadata"]["name"]
    namespace, watcher = ward
    conditions = timed(f"diagnosis: {case}", lambda: namespace.says(name, *words, timeout=300))
    if (delay := watcher.delay(name, words)) is not None:
        noted(f"    of these from the cause in a pod's status: {case}", delay)

    assert any(text.startswith("Ready False ") for text in conditions)


def test_what_was_missing_heals_step_by_step_when_it_comes(ill, timed):
    """A ConfigMap, then a Secret; then the model comes out of the store, and the job runs."""
    program = {"configMap": {"name": "late", "key": "job.py"}}
    models = model(STORED, secretName="late-key")
    ill.apply(workloads.stream("late", models=models, python=program))
    ill.says("late", "ConfigMapNotFound", "late")

    ill.apply(workloads.config_map("late", **{"job.py": PROGRAMS["record.py"]}))
    ill.says("late", "SecretNotFound", "late-key")

    ill.apply(workloads.store_credentials("late-key"))
    timed(
        "Secret comes → model fetched and loaded",
        lambda: ill.says("late", "ModelsLoaded True", timeout=300),
    )
    (found,) = ill.status("late")["models"]
    assert found["digest"].startswith("sha256:")
    ill.remove("late")


def counted(namespace):
    return namespace.get("resourcequota", "none").get("status", {}).get("used")


@pytest.fixture
def poor(system):
    """A namespace in which no pod may be made."""
    namespace = Namespace("modelstream-e2e-quota")
    namespace.delete()
    namespace.create()
    quota = {
        "apiVersion": "v1",
        "kind": "ResourceQuota",
        "metadata": {"name": "none"},
        "spec": {"hard": {"pods": "0"}},
    }
    namespace.apply(quota)
    eventually(lambda: counted(namespace), 120, "the quota counts")
    yield namespace
    namespace.delete()


def test_a_quota_is_quoted_and_the_pods_come_when_it_is_lifted(poor, timed):
    poor.apply(broken("poor", sql=SQL, models=model("file:///nowhere")))
    timed("diagnosis: quota", lambda: poor.says("poor", "QuotaExceeded", "none"))

    poor.kubectl("delete", "resourcequota/none")
    poor.says("poor", "ModelNotFound", "/nowhere", timeout=240)


def test_a_manifest_that_is_wrong_is_refused_with_the_field(work):
    with pytest.raises(AssertionError, match=r"spec\.models\[0\]\.name"):
        work.apply(broken("wrong", sql=SQL, models=[{"name": "Not-SQL", "uri": "pvc://a/b"}]))
