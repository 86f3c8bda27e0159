"""The manifests that the tests apply."""

import copy
from typing import Any

Manifest = dict[str, Any]

SECURITY = {
    "runAsNonRoot": True,
    "runAsUser": 9999,
    "runAsGroup": 9999,
    "fsGroup": 9999,
    "seccompProfile": {"type": "RuntimeDefault"},
}
CONTAINER_SECURITY = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}
DATA = {
    "spec": {
        "containers": [{"name": "main", "volumeMounts": [{"name": "data", "mountPath": "/data"}]}],
        "volumes": [{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}],
    }
}
SMALL = {
    "jobManager": {"resources": {"requests": {"cpu": "50m"}, "limits": {"memory": "1600Mi"}}},
    "taskManager": {"resources": {"requests": {"cpu": "50m"}, "limits": {"memory": "2800Mi"}}},
}
"""Resources with which several streams fit on a node of two cores."""
TINY = {
    "jobManager": {"resources": {"requests": {"cpu": "20m"}, "limits": {"memory": "1536Mi"}}},
    "taskManager": {"resources": {"requests": {"cpu": "20m"}, "limits": {"memory": "1792Mi"}}},
}
"""The least that is accepted, for what fails before it needs more."""


def stream(name: str, **spec: Any) -> Manifest:
    """A ModelStream with small pods."""
    return {
        "apiVersion": "modelstream.dev/v1alpha1",
        "kind": "ModelStream",
        "metadata": {"name": name},
        "spec": merged({"flink": SMALL}, spec),
    }


def languages(name: str, **spec: Any) -> Manifest:
    """Source files on a claim → their language on the same claim; new files while it runs."""
    pipeline = {
        "source": {
            "connector": "filesystem",
            "format": "file",
            "schema": [
                {"name": "path", "type": "STRING", "metadata": "file.path"},
                {"name": "content", "type": "STRING"},
            ],
            "options": {"path": "/data/sources", "source.monitor-interval": "1 s"},
        },
        "inference": {
            "model": "guesslang",
            "method": "Classify",
            "inputs": {"inputs": "content"},
            "outputs": {"language": "label", "score": "score"},
            "keep": ["path"],
            "batch": {"maxSize": 32},
            "onError": "DeadLetter",
        },
        "sink": {
            "connector": "filesystem",
            "format": "json",
            "options": {"path": f"/data/{name}", "sink.rolling-policy.rollover-interval": "1 s"},
        },
        "deadLetter": {
            "connector": "filesystem",
            "format": "json",
            "options": {"path": f"/data/{name}-unreadable"},
        },
    }
    roles = {"jobManager": {"podTemplate": DATA}, "taskManager": {"podTemplate": DATA}}
    state = {"storage": "pvc://state", "checkpointInterval": "3s"}
    base = stream(name, models=[GUESSLANG], pipeline=pipeline, flink=roles, state=state)
    return {**base, "spec": merged(base["spec"], spec)}


GUESSLANG = {"name": "guesslang", "uri": "pvc://models/guesslang"}


def topic(name: str, source: str, sink: str, **spec: Any) -> Manifest:
    """Source texts in a Kafka topic → their language in another."""
    broker = {"properties.bootstrap.servers": "kafka:9092"}
    pipeline = {
        "source": {
            "connector": "kafka",
            "format": "json",
            "schema": [{"name": "id", "type": "BIGINT"}, {"name": "content", "type": "STRING"}],
            "options": {"topic": source, "scan.startup.mode": "earliest-offset", **broker},
        },
        "inference": {
            "model": "guesslang",
            "method": "Classify",
            "inputs": {"inputs": "content"},
            "outputs": {"language": "label"},
            "keep": ["id"],
        },
        "sink": {"connector": "kafka", "format": "json", "options": {"topic": sink, **broker}},
    }
    return stream(name, models=[GUESSLANG], pipeline=pipeline, **spec)


COUNTED = """
from pyflink.table import EnvironmentSettings, TableEnvironment

t_env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
broker = "'properties.bootstrap.servers' = 'kafka:9092', 'format' = 'json'"
t_env.execute_sql(
    "CREATE TABLE numbers (id BIGINT, seen AS PROCTIME()) WITH ("
    "'connector' = 'kafka', 'topic' = 'numbers', 'properties.group.id' = 'counted', "
    "'scan.startup.mode' = 'earliest-offset', " + broker + ")"
)
t_env.execute_sql(
    "CREATE TABLE counted (id BIGINT, nth BIGINT) WITH ("
    "'connector' = 'kafka', 'topic' = 'counted', 'sink.delivery-guarantee' = 'exactly-once', "
    "'sink.transactional-id-prefix' = 'counted', "
    "'properties.transaction.timeout.ms' = '900000', " + broker + ")"
)
t_env.execute_sql(
    "INSERT INTO counted SELECT id, COUNT(*) OVER (PARTITION BY id % 10 ORDER BY seen "
    "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM numbers"
)
"""


def counted(name: str) -> list[Manifest]:
    """Ten counts of the numbers in a topic, exactly once; its state on the claim of its data."""
    roles = {"jobManager": {"podTemplate": DATA}, "taskManager": {"podTemplate": DATA}}
    state = {"storage": f"pvc://data/{name}", "checkpointInterval": "2s"}
    python = {"configMap": {"name": name, "key": "job.py"}}
    flink = merged(TINY, roles)
    return [
        config_map(name, **{"job.py": COUNTED}),
        stream(name, python=python, state=state, flink=flink),
    ]


HUNGRY = """
from pyflink.table import EnvironmentSettings, TableEnvironment

t_env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
t_env.execute_sql(
    "CREATE TABLE numbers (x INT) WITH ('connector' = 'datagen', 'rows-per-second' = '1')"
)
t_env.execute_sql("CREATE TABLE nothing (x STRING) WITH ('connector' = 'blackhole')")
t_env.execute_sql(
    "INSERT INTO nothing SELECT REPEAT(CAST(MOD(x, 10) AS STRING), 400000000) FROM numbers"
)
"""


def hungry(name: str) -> list[Manifest]:
    """A job whose records need more heap than its TaskManager has."""
    program = {"configMap": {"name": name, "key": "job.py"}}
    return [config_map(name, **{"job.py": HUNGRY}), stream(name, python=program, flink=TINY)]


def claim(name: str, size: str = "1Gi") -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
        },
    }


def pod(name: str, image: str, command: list[str], **spec: Any) -> Manifest:
    """A pod of one container that the restricted profile lets in."""
    container = {
        "name": "main",
        "image": image,
        "command": command,
        "securityContext": CONTAINER_SECURITY,
        **spec.pop("container", {}),
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": {"app": name}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "securityContext": SECURITY,
            "containers": [container],
            **spec,
        },
    }


def depot(image: str) -> Manifest:
    """A pod that sees both claims: what the tests put models and files in with, and read back."""
    mounts = [
        {"name": "models", "mountPath": "/claims/models"},
        {"name": "data", "mountPath": "/data"},
    ]
    return pod(
        "depot",
        image,
        ["sleep", "infinity"],
        container={"volumeMounts": mounts},
        volumes=[
            {"name": name, "persistentVolumeClaim": {"claimName": name}}
            for name in ("models", "data")
        ],
    )


def object_store(image: str, script: str) -> list[Manifest]:
    """A pod that serves the claim of the models as s3://models, to the key STORE_KEY."""
    volumes = [
        {"name": "script", "configMap": {"name": "store"}},
        {"name": "models", "persistentVolumeClaim": {"claimName": "models"}},
    ]
    container = {
        "readinessProbe": {"tcpSocket": {"port": STORE_PORT}, "periodSeconds": 1},
        "volumeMounts": [
            {"name": "script", "mountPath": "/script"},
            {"name": "models", "mountPath": "/srv/models", "readOnly": True},
        ],
    }
    command = ["/opt/venv/bin/python", "/script/store.py", "/srv", STORE_KEY]
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "store"},
        "spec": {"selector": {"app": "store"}, "ports": [{"port": STORE_PORT}]},
    }
    return [
        config_map("store", **{"store.py": script}),
        pod("store", image, command, container=container, volumes=volumes),
        service,
    ]


STORE_KEY, STORE_PORT = "let-me-in", 9000


def store_credentials(name: str, key: str = STORE_KEY) -> Manifest:
    """A Secret as models[].secretName takes it, for the store of these tests."""
    values = {
        "AWS_ENDPOINT_URL": f"http://store:{STORE_PORT}",
        "AWS_ACCESS_KEY_ID": key,
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}


def config_map(name: str, **data: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def merged(below: Manifest, above: Manifest) -> Manifest:
    """``above`` over ``below``, map by map."""
    result = copy.deepcopy(below)
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merged(result[key], value)
        else:
            result[key] = copy.deepcopy(value)
    return result
