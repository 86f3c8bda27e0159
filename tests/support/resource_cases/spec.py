"""What the job as a whole, its state and its Flink may be."""

from typing import Any

from tests.support.resource_cases.case import BASE, GONE, PIPELINE, SECRET, Case, Edits, replace_job

from modelstream_crds.reserved import RESERVED, RESERVED_BY_BATCH

_SQL = replace_job(sql={"statements": "SELECT 1"})


def _python(**program: Any) -> Edits:
    return replace_job(python=program)


_STATE: Edits = {"spec.state": {"storage": "s3://b/p"}}
_KEPT: Edits = {"spec.state": {"storage": "s3://b/p", "savepoints": {"keep": 3}}}
_SAVED: Edits = {"spec.state": {"storage": "s3://b/p", "deletionPolicy": "Savepoint"}}


def _restored(storage: str = "s3://b/p", /, **restore_from: Any) -> Edits:
    return {"spec.state": {"storage": storage, "restoreFrom": restore_from}}


def _exactly_once(field: str, guarantee: str = "exactly-once") -> Edits:
    sink = {"connector": "kafka", "options": {"sink.delivery-guarantee": guarantee}}
    letters = {f"{PIPELINE}.inference.onError": "DeadLetter"} if field == "deadLetter" else {}
    return {f"{PIPELINE}.{field}": sink, **letters}


CASES: tuple[Case, ...] = (
    Case(
        "name",
        ({"metadata.name": "a" * 40}, {"metadata.name": "a"}, {"metadata.name": "a-1"}),
        ({"metadata.name": "a" * 41}, {"metadata.name": "1a"}, {"metadata.name": "a.b"}),
        "metadata.name",
    ),
    Case(
        "one-job",
        (_SQL, _python(module="jobs.score")),
        ({"spec.sql": {"statements": "SELECT 1"}},),
        "spec",
        says="(there are: pipeline, sql)",
    ),
    Case("one-job", (_SQL,), ({"spec.pipeline": GONE},), "spec", says="(there are: none)"),
    Case(
        "models-needed",
        tuple(_python(module="jobs.learn") | {"spec.models": models} for models in (GONE, [])),
        ({"spec.models": GONE}, {"spec.models": []}, _SQL | {"spec.models": GONE}),
        "spec.models",
    ),
    Case(
        "model-listed",
        ({"spec.models": [{"name": "a", "uri": "hf://a/b"}, BASE["spec"]["models"][0]]},),
        ({f"{PIPELINE}.inference.model": "other"},),
        f"{PIPELINE}.inference.model",
    ),
    Case(
        "savepoint-needs-state",
        (
            {"spec.upgrade": {"mode": "Savepoint"}, "spec.state": {"storage": "s3://b/p"}},
            {"spec.upgrade": {"mode": "Stateless"}},
        ),
        ({"spec.upgrade": {"mode": "Savepoint"}},),
        "spec.upgrade.mode",
    ),
    *(
        Case(
            "exactly-once-needs-state",
            (
                {**_exactly_once(field), "spec.state": {"storage": "s3://b/p"}},
                {**_exactly_once(field), "spec.flink": {"runtimeMode": "Batch"}},
                _exactly_once(field, "at-least-once"),
            ),
            (_exactly_once(field), _exactly_once(field, "EXACTLY-ONCE")),
            f"{PIPELINE}.{field}.options",
            server=False,
        )
        for field in ("sink", "deadLetter")
    ),
    Case(
        "savepoint-needs-streaming",
        ({"spec.upgrade": {"mode": "Stateless"}, "spec.flink": {"runtimeMode": "Batch"}},),
        (
            {
                "spec.upgrade": {"mode": "Savepoint"},
                "spec.state": {"storage": "s3://b/p"},
                "spec.flink": {"runtimeMode": "Batch"},
            },
        ),
        "spec.upgrade.mode",
    ),
    Case(
        "one-origin",
        tuple(_restored(**each) for each in ({"path": "s3://b/p/chk-1"}, {"modelStream": "other"})),
        (_restored(), _restored(newest=False), _restored(newest=False, nothing=False, nonce=1)),
        "spec.state.restoreFrom",
        says="(there are: none)",
    ),
    Case(
        "one-origin",
        (_restored(newest=True, nonce=7), _restored(nothing=True, newest=False)),
        (_restored(newest=True, nothing=True),),
        "spec.state.restoreFrom",
        says="(there are: newest, nothing)",
    ),
    Case(
        "restore-path",
        tuple(_restored(path=path) for path in ("s3://b/p", "file:///state/savepoint-1")),
        tuple(_restored(path=path) for path in ("savepoint-1", "/savepoint-1", "pvc://state")),
        "spec.state.restoreFrom.path",
    ),
    Case(
        "restore-path-mounted",
        (
            _restored("pvc://state/jobs", path="pvc://state/jobs/a/savepoint-1"),
            _restored("pvc://state/", path="pvc://state/a"),
        ),
        (
            _restored("pvc://state/jobs", path="pvc://state/jobs2/a"),
            _restored("pvc://state", path="pvc://other/a"),
            _restored("s3://b/p", path="pvc://state/a"),
        ),
        "spec.state.restoreFrom.path",
    ),
    Case(
        "restore-needs-streaming",
        (_restored(newest=True) | {"spec.flink": {"runtimeMode": "Streaming"}},),
        (_restored(newest=True) | {"spec.flink": {"runtimeMode": "Batch"}},),
        "spec.state.restoreFrom",
    ),
    Case(
        "savepoints-need-streaming",
        (_KEPT, _KEPT | {"spec.flink": {"runtimeMode": "Streaming"}}),
        (_KEPT | {"spec.flink": {"runtimeMode": "Batch"}},),
        "spec.state.savepoints",
    ),
    Case(
        "savepoint-nonce-needs-state",
        ({"spec.savepointNonce": 0}, _STATE | {"spec.savepointNonce": 2}),
        (
            {"spec.savepointNonce": 1},
            _STATE | {"spec.savepointNonce": 1, "spec.flink": {"runtimeMode": "Batch"}},
        ),
        "spec.savepointNonce",
    ),
    Case(
        "deletion-savepoint-needs-streaming",
        (_SAVED, _SAVED | {"spec.flink": {"runtimeMode": "Streaming"}}),
        (_SAVED | {"spec.flink": {"runtimeMode": "Batch"}},),
        "spec.state.deletionPolicy",
    ),
    Case(
        "slots-fit-gpus",
        (
            {"spec.gpu": {"count": 2}, "spec.flink": {"taskManager": {"slots": 2}}},
            {"spec.gpu": {"count": 0}, "spec.flink": {"taskManager": {"slots": 4}}},
            {"spec.flink": {"taskManager": {"slots": 4}}},
        ),
        ({"spec.gpu": {"count": 1}, "spec.flink": {"taskManager": {"slots": 2}}},),
        "spec.flink.taskManager.slots",
    ),
    Case(
        "batch-options",
        (_SQL | {"spec.flink": {"configuration": dict.fromkeys(RESERVED_BY_BATCH, "100")}},),
        tuple({"spec.flink": {"configuration": {key: "100"}}} for key in RESERVED_BY_BATCH),
        "spec.flink.configuration",
    ),
    Case(
        "one-program",
        (_python(script="/app/job.py"), _python(module="a.b"), _python(configMap={"name": "job"})),
        (_python(), _python(script="/app/job.py", module="a.b"), _python(args=["x"])),
        "spec.python",
    ),
    Case(
        "state-storage",
        ({"spec.state": {"storage": "pvc://state/jobs"}}, {"spec.state": {"storage": "s3://b"}}),
        (
            {"spec.state": {"storage": "file:///tmp"}},
            {"spec.state": {"storage": "/tmp"}},
            {"spec.state": {"storage": "pvc:///x"}},
        ),
        "spec.state.storage",
    ),
    *(
        Case(
            f"gpu-in-{place}",
            ({"spec.flink": {"taskManager": {"resources": {place: {"cpu": 2, "memory": "4Gi"}}}}},),
            tuple(
                {"spec.flink": {"taskManager": {"resources": {place: {gpu: 1}}}}}
                for gpu in ("nvidia.com/gpu", "nvidia.com/mig-1g.5gb", "amd.com/gpu")
            ),
            f"spec.flink.taskManager.resources.{place}",
        )
        for place in ("limits", "requests")
    ),
    *(
        Case(
            f"reserved {key}",
            ({"spec.flink": {"configuration": {"taskmanager.debug.memory.log": True}}},),
            ({"spec.flink": {"configuration": {key: "1"}}},),
            f"spec.flink.configuration['{key}']",
            server=not key.startswith("$"),
        )
        for key in RESERVED
    ),
    Case(
        "secret-reserved",
        ({"spec.flink": {"secretConfiguration": {"s3.secret-key": SECRET}}},),
        ({"spec.flink": {"secretConfiguration": {"rest.port": SECRET}}},),
        "spec.flink.secretConfiguration",
    ),
    Case(
        "account-name-or-annotations",
        (
            {"spec.flink": {"serviceAccount": {"name": "mine"}}},
            {"spec.flink": {"serviceAccount": {"annotations": {"a": "b"}}}},
        ),
        ({"spec.flink": {"serviceAccount": {"name": "mine", "annotations": {"a": "b"}}}},),
        "spec.flink.serviceAccount.annotations",
    ),
    Case(
        "configuration-and-secret",
        ({"spec.flink": {"configuration": {"a": 1}, "secretConfiguration": {"b": SECRET}}},),
        ({"spec.flink": {"configuration": {"a": 1}, "secretConfiguration": {"a": SECRET}}},),
        "spec.flink.secretConfiguration",
        server=False,
    ),
)
