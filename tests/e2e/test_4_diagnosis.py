"""What goes wrong is said in status, with its cause; several at a time, none in another's way."""

import pytest
from tests.e2e import workloads
from tests.e2e.cluster import eventually

SQL = {"statements": "CREATE TABLE x (y INT) WITH ('connector' = 'print'); INSERT INTO x VALUES 1"}


def broken(name, **spec):
    return workloads.stream(name, models=spec.pop("models", [workloads.GUESSLANG]), **spec)


def model(uri, **fields):
    return [{"name": "guesslang", "uri": uri, **fields}]


PYTHON = {"configMap": {"name": "throws", "key": "job.py"}}
CASES = {
    "image": (broken("image", sql=SQL, flink={"image": "localhost:5001/no/such:1"}), ("pull",)),
    "claim": (broken("claim", sql=SQL, models=model("pvc://nobody/x")), ("claim", "nobody")),
    "path": (broken("path", sql=SQL, models=model("pvc://models/nothing")), ("ModelNotFound",)),
    "digest": (
        broken(
            "digest",
            sql=SQL,
            models=model("pvc://models/guesslang", digest="sha256:" + "0" * 64),
        ),
        ("expected", "0" * 64),
    ),
    "gpu": (broken("gpu", sql=SQL, gpu={"count": 64}), ("gpu",)),
    "product": (
        broken("product", sql=SQL, gpu={"count": 1, "products": ["NVIDIA-H200"]}),
        ("NVIDIA-H200",),
    ),
    "private": (
        broken("private", sql=SQL, models=model("https://10.96.0.1/model.tar.gz")),
        ("10.96.0.1",),
    ),
    "python": (broken("python-error", python=PYTHON), ("ValueError", "no such luck")),
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
}
for case in CASES.values():
    if inference := case[0]["spec"].get("pipeline", {}).get("inference"):
        inference.pop("method")


WARDS = {
    "submit and verify": ("python", "signature", "digest", "path"),
    "before any container": ("image", "claim", "gpu", "product", "private"),
}
"""Together on the cluster; all of them at once would ask for more than two cores."""


@pytest.fixture(scope="module")
def ward(request, work):
    """Several at once: what is wrong with one must not hide what is wrong with another."""
    manifests = [CASES[case][0] for case in WARDS[request.param]]
    script = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "throws"},
        "data": {"job.py": "raise ValueError('no such luck')\n"},
    }
    work.apply(script, *manifests)
    yield work
    names = [manifest["metadata"]["name"] for manifest in manifests]
    work.kubectl("delete", "modelstreams", *names, "--timeout=180s")
    labels = "app.kubernetes.io/managed-by=modelstream-operator"
    eventually(lambda: not work.get("pods", "", "-l", labels)["items"], 120, "all pods are gone")


@pytest.mark.parametrize(
    ("ward", "case"),
    [pytest.param(ward, case, id=case) for ward, cases in WARDS.items() for case in cases],
    indirect=["ward"],
)
def test_the_cause_is_in_the_status(ward, timed, case):
    manifest, words = CASES[case]
    name = manifest["metadata"]["name"]
    timed(f"diagnosis: {case}", lambda: ward.says(name, *words, timeout=300))

    assert ward.condition(name, "Ready")["status"] == "False"


def test_a_manifest_that_is_wrong_is_refused_with_the_field(work):
    with pytest.raises(AssertionError, match=r"spec\.models\[0\]\.name"):
        work.apply(broken("wrong", sql=SQL, models=[{"name": "Not-SQL", "uri": "pvc://a/b"}]))
