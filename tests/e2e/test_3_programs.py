"""A SQL job and a Python job, each with a beginning and an end; a model that is an image."""

import json
import os

import pytest
from tests.e2e import images as image_building
from tests.e2e import workloads
from tests.e2e.cluster import eventually
from tests.e2e.conftest import results
from tests.support.models import guesslang

ROLES = {
    "jobManager": {"podTemplate": workloads.DATA},
    "taskManager": {"podTemplate": workloads.DATA},
}
STATEMENTS = """
CREATE TABLE codes (id INT, content STRING) WITH
  ('connector' = 'filesystem', 'path' = '/data/codes', 'format' = 'json');
CREATE TABLE languages (id INT, label STRING) WITH
  ('connector' = 'filesystem', 'path' = '/data/from-sql', 'format' = 'json');
INSERT INTO languages SELECT id, guesslang(content).label FROM codes;
"""
SCRIPT = """
import modelstream as ms
from pyflink.table import EnvironmentSettings, TableEnvironment
t_env = TableEnvironment.create(EnvironmentSettings.in_batch_mode())
t_env.execute_sql(
    "CREATE TABLE codes (id INT, content STRING) WITH "
    "('connector' = 'filesystem', 'path' = '/data/codes', 'format' = 'json')"
)
t_env.execute_sql(
    "CREATE TABLE languages (id INT, label STRING) WITH "
    "('connector' = 'filesystem', 'path' = '/data/from-python', 'format' = 'json')"
)
scored = ms.infer(
    t_env.from_path("codes"),
    ms.model("guesslang"),
    ms.Classify(),
    inputs={"inputs": "content"},
    outputs={"label": "label"},
    keep=["id"],
)
scored.scored.execute_insert("languages")
"""

OWN_MODEL = """
import modelstream as ms
from pyflink.table import EnvironmentSettings, TableEnvironment
model = ms.GraphDefModel.from_function(
    lambda x: {"y": 0.5 * x + 2.0}, {"x": ms.TensorSpec("float32", (None,))}
)
t_env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
t_env.execute_sql(
    "CREATE TABLE numbers (id INT) WITH ('connector' = 'datagen', 'rows-per-second' = '20', "
    "'fields.id.kind' = 'sequence', 'fields.id.start' = '1', 'fields.id.end' = '1000000')"
)
t_env.execute_sql(
    "CREATE TABLE answers (id INT, y FLOAT) WITH "
    "('connector' = 'filesystem', 'path' = '/data/from-own-model', 'format' = 'json', "
    "'sink.rolling-policy.rollover-interval' = '1 s', 'sink.rolling-policy.check-interval' = '1 s')"
)
ms.register(t_env, "half_plus_two", model)
t_env.execute_sql("INSERT INTO answers SELECT id, half_plus_two(CAST(id AS FLOAT)).y FROM numbers")
"""


NOWHERE = f"localhost:1/no/model@sha256:{'0' * 64}"


@pytest.fixture(scope="module")
def model_image(images, tmp_path_factory):
    """An image that holds nothing but the model, by the digest that only a registry gives."""
    if not os.environ.get("E2E_REGISTRY"):
        return NOWHERE
    return image_building.model_image(guesslang(), tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module", autouse=True)
def _codes(work):
    code = "package main\n\nfunc main() {\n\tfmt.Println(1)\n}\n"
    line = json.dumps({"id": 7, "content": code}).encode()
    script = "mkdir -p /data/codes && cat > /data/codes/one"
    work.kubectl("exec", "-i", "depot", "--", "sh", "-c", script, stdin=line)


def finishes(work, name, directory, timed):
    timed(
        f"{name} job: apply → Finished",
        lambda: eventually(
            lambda: work.status(name).get("phase") == "Finished",
            360,
            f"{name} is finished",
            lambda: work.story(name),
        ),
    )
    lines = results(work, directory)
    work.remove(name)
    return lines


def test_a_sql_job_runs_to_its_end(work, timed):
    flink = workloads.merged(ROLES, {"runtimeMode": "Batch"})
    work.apply(
        workloads.stream(
            "sql", models=[workloads.GUESSLANG], sql={"statements": STATEMENTS}, flink=flink
        )
    )

    assert finishes(work, "sql", "/data/from-sql", timed) == ['{"id":7,"label":"go"}']


def config_map(name, script):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name},
        "data": {"job.py": script},
    }


def test_a_python_job_from_a_configmap_runs_to_its_end(work, timed):
    flink = workloads.merged(ROLES, {"runtimeMode": "Batch"})
    program = {"configMap": {"name": "job", "key": "job.py"}}
    work.apply(
        config_map("job", SCRIPT),
        workloads.stream("python", models=[workloads.GUESSLANG], python=program, flink=flink),
    )

    assert finishes(work, "python", "/data/from-python", timed) == ['{"id":7,"label":"go"}']


def test_a_program_that_brings_its_model_is_ready_without_one_in_the_manifest(work, timed):
    program = {"configMap": {"name": "own-model", "key": "job.py"}}
    state = {"storage": "pvc://state", "checkpointInterval": "3s"}
    work.apply(
        config_map("own-model", OWN_MODEL),
        workloads.stream("own-model", python=program, flink=ROLES, state=state),
    )

    timed("a program with its own model: apply → Ready", lambda: work.ready("own-model"))
    assert work.condition("own-model", "ModelsAvailable")["reason"] == "NoModels"
    lines = eventually(
        lambda: results(work, "/data/from-own-model"),
        60,
        "a checkpoint finishes a file",
        lambda: work.story("own-model"),
    )
    work.remove("own-model")
    answers = [json.loads(line) for line in lines]
    assert answers == [{"id": row["id"], "y": 0.5 * row["id"] + 2.0} for row in answers]


def mounts_images(work):
    """Whether the API server keeps an image volume; one without the feature drops it silently."""
    volume = {"name": "model", "image": {"reference": "model:1"}}
    asked = workloads.pod("asked", "asked:1", ["true"], volumes=[volume])
    said = work.kubectl(
        *("create", "--dry-run=server", "--validate=ignore", "-o", "json", "-f", "-"),
        stdin=json.dumps(asked).encode(),
    )
    return any("image" in each for each in json.loads(said)["spec"]["volumes"])


def test_a_model_that_is_an_image_is_mounted_or_refused_with_a_way_out(work, model_image, timed):
    """Mounted where the cluster mounts images and a registry has this one; else it is said."""
    statements = STATEMENTS.replace("/data/from-sql", "/data/from-image")
    models = [{"name": "guesslang", "uri": f"image://{model_image}"}]
    flink = workloads.merged(ROLES, {"runtimeMode": "Batch"})
    work.apply(
        workloads.stream("image", models=models, sql={"statements": statements}, flink=flink)
    )

    if not mounts_images(work):
        work.says("image", "ImageVolumeUnsupported", "pvc://")
        work.remove("image")
    elif model_image == NOWHERE:
        work.says("image", "ImagePullFailed", "the image of model guesslang")
        work.remove("image")
    else:
        assert finishes(work, "image", "/data/from-image", timed) == ['{"id":7,"label":"go"}']
