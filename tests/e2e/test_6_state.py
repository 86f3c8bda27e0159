"""A stream with state, which counts each record once, whatever happens to its pods.

Longer than what `make e2e` has time for: `make e2e-state` runs it.
"""

import json
import re

import pytest
from tests.e2e import workloads
from tests.e2e.broker import broker
from tests.e2e.cluster import MODELSTREAM, eventually
from tests.e2e.counting import COUNTED, another, counts, once, send

HEIR, WEIGHED = "heir", "weighed"


@pytest.fixture(scope="module")
def kafka(work, images):
    with broker(work, images.kafka) as running:
        yield running


@pytest.fixture(scope="module")
def counted(work, kafka):
    """A stream that counts, and begins; the claim of its state is its data's as well."""
    kafka.create("numbers", "counted")
    work.apply(*workloads.counted(COUNTED))
    work.ready(COUNTED, 360)
    yield work
    work.remove(COUNTED)


def test_a_pod_that_failed_costs_a_replacement_and_nothing_else(counted, kafka, timed):
    """Its object stays, as that of an evicted one does."""
    send(kafka, *range(100))
    kafka.wait("counted", 100)
    (pod,) = counted.pods(COUNTED, "taskmanager")
    name = pod["metadata"]["name"]
    counted.kubectl("patch", "pod", name, "-p", '{"spec": {"activeDeadlineSeconds": 1}}')
    send(kafka, *range(100, 200))
    found = timed("a pod fails → counted on", lambda: counts(kafka, 200))

    assert found == once(200)
    assert counted.get("pod", name)["status"]["phase"] == "Failed"


def test_an_operator_that_is_killed_while_the_job_is_saved_ends_the_edit(
    counted, kafka, system, timed
):
    before = counted.status(COUNTED)["job"]["id"]
    more = {"taskManager": {"resources": {"limits": {"memory": "1900Mi"}}}}
    patch = json.dumps({"spec": {"flink": more}})
    counted.kubectl("patch", f"{MODELSTREAM}/{COUNTED}", "--type=merge", "-p", patch)
    eventually(
        lambda: saved(counted), 240, "it is proven, then saved", lambda: counted.story(COUNTED)
    )
    operator = ("-l", "app.kubernetes.io/name=modelstream-operator")
    system.kubectl("delete", "pods", *operator, "--force", "--grace-period=0")
    send(kafka, *range(200, 300))
    timed(
        "operator killed while the job is saved → the next is Ready",
        lambda: eventually(
            lambda: another(counted, before),
            300,
            "another is Ready",
            lambda: counted.story(COUNTED),
        ),
    )

    assert counts(kafka, 300) == once(300)
    system.kubectl("rollout", "status", "deployment/modelstream", "--timeout=180s")


def saved(namespace):
    status = namespace.status(COUNTED)
    return status.get("step", {}).get("name") in {"Savepointing", "TearingDown"}


def test_a_change_without_a_savepoint_goes_on_from_the_newest_checkpoint(counted, kafka, timed):
    before = counted.status(COUNTED)["job"]["id"]
    more = {"taskManager": {"resources": {"limits": {"memory": "1950Mi"}}}}
    patch = json.dumps({"spec": {"upgrade": {"mode": "LastState"}, "flink": more}})
    counted.kubectl("patch", f"{MODELSTREAM}/{COUNTED}", "--type=merge", "-p", patch)
    send(kafka, *range(300, 400))
    timed(
        "edit → from the newest checkpoint → the next job is Ready",
        lambda: eventually(
            lambda: another(counted, before),
            300,
            "another is Ready",
            lambda: counted.story(COUNTED),
        ),
    )

    assert counts(kafka, 400) == once(400)
    restored = counted.status(COUNTED)["restoredFrom"]
    assert (restored["kind"], restored["jobId"]) == ("Checkpoint", before)
    assert f"/{before}/chk-" in restored["path"]


def test_what_the_run_before_left_is_removed_once_the_present_one_needs_none_of_it(counted):
    """Its checkpoints and what high availability kept; those of the present run stay."""
    root = f"/data/{COUNTED}/{counted.name}/{COUNTED}"
    eventually(
        lambda: not counted.status(COUNTED).get("remains"),
        240,
        "nothing is left of earlier runs",
        lambda: counted.story(COUNTED),
    )
    job = counted.status(COUNTED)["job"]["id"]
    assert listed(counted, f"{root}/checkpoints") == [job]
    assert listed(counted, f"{root}/ha") == [job]
    assert counted.status(COUNTED)["savepoints"], "savepoints stay"
    eventually(lambda: not counted.pods(COUNTED, "sweep"), 60, "the pod that removed it is gone")


def listed(namespace, directory):
    found = namespace.kubectl("exec", "depot", "--", "ls", directory)
    return sorted(found.split())


def test_savepoints_on_demand_are_listed_and_the_oldest_go_while_the_job_goes_on(counted, kafka):
    before = counted.status(COUNTED)["job"]["id"]
    paths = []
    for nonce in (1, 2):
        spec = {"savepointNonce": nonce, "state": {"savepoints": {"keep": 1}}}
        patch = json.dumps({"spec": spec})
        counted.kubectl("patch", f"{MODELSTREAM}/{COUNTED}", "--type=merge", "-p", patch)
        eventually(
            lambda nonce=nonce: (
                counted.status(COUNTED).get("used", {}).get("savepointNonce") == nonce
            ),
            120,
            "a savepoint is taken",
            lambda: counted.story(COUNTED),
        )
        paths.append(counted.status(COUNTED)["savepoints"][0]["path"])
    eventually(
        lambda: paths[0] not in [each["path"] for each in counted.status(COUNTED)["savepoints"]],
        120,
        "the older one is disposed of",
        lambda: counted.story(COUNTED),
    )

    there = [
        re.sub("^file:/+var/lib/modelstream/state", f"/data/{COUNTED}", path) for path in paths
    ]
    found = counted.kubectl("exec", "depot", "--", "sh", "-c", f"ls -d {' '.join(there)}; true")
    assert found.split() == [there[1]]
    newest = counted.status(COUNTED)["savepoints"][0]
    assert newest["jobId"] == before == counted.status(COUNTED)["job"]["id"]
    assert newest["revision"] == counted.status(COUNTED)["revision"]
    assert counted.condition(COUNTED, "Ready")["status"] == "True"
    assert counts(kafka, 400) == once(400)


def test_a_program_that_fails_once_it_runs_gives_way_and_no_record_is_lost(counted, kafka, timed):
    before = passed(counted)
    good = workloads.counted(COUNTED)[0]
    bad = {**good, "data": {"job.py": failing(good["data"]["job.py"])}}
    short = json.dumps({"spec": {"upgrade": {"mode": "Savepoint", "readyTimeout": "90s"}}})
    counted.kubectl("patch", f"{MODELSTREAM}/{COUNTED}", "--type=merge", "-p", short)
    counted.apply(bad)
    eventually(
        lambda: counted.status(COUNTED)["run"] > before["run"] or stopped(counted),
        240,
        "it is proven, and the job has stopped for it",
        lambda: counted.story(COUNTED),
    )
    send(kafka, *range(400, 500))
    timed(
        "a program that fails → the one before is Ready again",
        lambda: eventually(
            lambda: is_back(counted, before),
            480,
            "it is rolled back",
            lambda: counted.story(COUNTED),
        ),
    )

    assert counts(kafka, 500) == once(500)
    rolled = counted.condition(COUNTED, "RolledBack")
    assert rolled["reason"] == "RolledBack"
    assert "zero" in rolled["message"]
    assert counted.condition(COUNTED, "Updated")["status"] == "False"
    counted.apply(good)
    eventually(
        lambda: not counted.condition(COUNTED, "RolledBack"),
        60,
        "nothing is told of it once the edit is taken back",
        lambda: counted.story(COUNTED),
    )
    assert counted.condition(COUNTED, "Updated")["status"] == "True"


def passed(namespace):
    """The status of a run that has completed a checkpoint since it was Ready."""

    def found():
        status = namespace.status(COUNTED)
        return status if status.get("lastReadyRevision") == status["revision"] else None

    return eventually(found, 120, "its revision counts as Ready", lambda: namespace.story(COUNTED))


def failing(program):
    """The same plan, which fails with the first record."""
    changed = program.replace("id % 10", "(id + 1 / (id - id)) % 10")
    assert changed != program
    return changed


def stopped(namespace):
    return namespace.status(COUNTED).get("step", {}).get("name") == "TearingDown"


def is_back(namespace, before):
    status = namespace.status(COUNTED)
    ready = namespace.condition(COUNTED, "Ready").get("status") == "True"
    again = status["revision"] == before["revision"] and status["run"] > before["run"]
    return ready and again


def test_one_that_is_deleted_with_a_savepoint_and_created_again_goes_on_from_the_newest(
    counted, kafka
):
    patch = json.dumps({"spec": {"state": {"deletionPolicy": "Savepoint"}}})
    counted.kubectl("patch", f"{MODELSTREAM}/{COUNTED}", "--type=merge", "-p", patch)
    counted.remove(COUNTED)
    config, stream = workloads.counted(COUNTED)
    stream["spec"]["state"]["restoreFrom"] = {"newest": True}
    counted.apply(config, stream)
    counted.ready(COUNTED, 360)
    send(kafka, *range(500, 600))

    assert counts(kafka, 600) == once(600)
    restored = counted.status(COUNTED)["restoredFrom"]
    assert (restored["ofAnyJob"], restored["kind"]) == (True, "Savepoint")
    assert "/counted/savepoints/" in restored["path"]


def test_a_path_that_is_not_there_does_not_stop_it_and_nothing_begins_anew(counted, kafka):
    before = counted.status(COUNTED)["job"]["id"]
    origin = {"newest": False, "path": "file:///var/lib/modelstream/state/away", "nonce": 1}
    choose(counted, origin)
    counted.says(COUNTED, "StateMissing", "/state/away", "spec.state.restoreFrom")
    assert counted.condition(COUNTED, "Ready")["status"] == "True"
    choose(counted, {"path": None, "nothing": True})
    eventually(
        lambda: another(counted, before), 300, "another is Ready", lambda: counted.story(COUNTED)
    )
    ids, tens = counts(kafka, 1200)

    assert ids == sorted([*range(600), *range(600)])
    assert tens == [sorted([*range(1, 61), *range(1, 61)])] * 10
    restored = counted.status(COUNTED)["restoredFrom"]
    assert "path" not in restored
    assert "/counted/" in restored["previous"]["path"]


def choose(namespace, origin):
    patch = json.dumps({"spec": {"state": {"restoreFrom": origin}}})
    namespace.kubectl("patch", f"{MODELSTREAM}/{COUNTED}", "--type=merge", "-p", patch)


def test_one_that_is_deleted_and_created_again_waits_until_it_is_to_begin_anew(counted, kafka):
    counted.remove(COUNTED)
    counted.apply(*workloads.counted(COUNTED))
    counted.says(COUNTED, "StateFound", "/counted/", "newest: true", "nothing: true")
    choose(counted, {"nothing": True})
    counted.ready(COUNTED, 360)
    ids, tens = counts(kafka, 1800)

    assert ids == sorted([*range(600)] * 3)
    assert tens == [sorted([*range(1, 61)] * 3)] * 10


def test_another_stream_goes_on_from_what_one_that_is_suspended_has_left(counted, kafka):
    """Under another name; the state of both is on one claim, below one path."""
    suspend = json.dumps({"spec": {"suspend": True}})
    counted.kubectl("patch", f"{MODELSTREAM}/{COUNTED}", "--type=merge", "-p", suspend)
    config, stream = workloads.counted(HEIR)
    stream["spec"]["state"] = {
        **stream["spec"]["state"],
        "storage": f"pvc://data/{COUNTED}",
        "restoreFrom": {"modelStream": COUNTED},
    }
    counted.apply(config, stream)
    counted.ready(HEIR, 360)
    send(kafka, *range(600, 700))
    ids, tens = counts(kafka, 1900)

    assert ids == sorted([*range(600)] * 3 + [*range(600, 700)])
    assert tens == [sorted([*range(1, 61)] * 3 + [*range(61, 71)])] * 10
    restored = counted.status(HEIR)["restoredFrom"]
    assert restored["path"] == counted.status(COUNTED)["ended"]["path"]
    assert restored["kind"] == "Savepoint"
    counted.remove(HEIR)


BURDEN = "REPEAT('x', 200000000 * CAST(id / 7777 AS INT))"
"""What one record brings into the heap, and the others do not."""


def test_one_that_runs_out_of_memory_again_and_again_goes_on_once_it_has_more(work, kafka):
    """From its newest checkpoint: a job that does not run gives no savepoint."""
    kafka.create("burdens", "weighed")
    config, stream = workloads.counted(WEIGHED)
    for old, new in (
        ("'numbers'", "'burdens'"),
        ("'counted'", f"'{WEIGHED}'"),
        ("SELECT id,", f"SELECT id + 0 * CHAR_LENGTH({BURDEN}),"),
    ):
        assert old in config["data"]["job.py"]
        config["data"]["job.py"] = config["data"]["job.py"].replace(old, new)
    work.apply(config, stream)
    work.ready(WEIGHED, 360)
    kafka.send("burdens", *(json.dumps({"id": each}).encode() for each in range(100)))
    kafka.wait(WEIGHED, 100)
    before = work.status(WEIGHED)["job"]["id"]
    kafka.send("burdens", json.dumps({"id": 7777}).encode())
    work.says(WEIGHED, "heap", "taskManager.resources.limits.memory", timeout=300)
    more = {"taskManager": {"resources": {"limits": {"memory": "6Gi"}}}}
    patch = json.dumps({"spec": {"flink": more}})
    work.kubectl("patch", f"{MODELSTREAM}/{WEIGHED}", "--type=merge", "-p", patch)
    rows = [json.loads(value) for value in kafka.wait(WEIGHED, 101, timeout=480)]

    assert sorted(row["id"] for row in rows) == [*range(100), 7777]
    assert [row["nth"] for row in rows if row["id"] == 7777] == [11]
    restored = work.status(WEIGHED)["restoredFrom"]
    assert (restored["kind"], restored["jobId"]) == ("Checkpoint", before)
    work.remove(WEIGHED)


def test_a_heap_that_is_too_small_is_told_with_the_field_to_raise(work):
    work.apply(*workloads.hungry("heap"))
    work.says("heap", "JobRestarting", "Java heap space", "taskManager.resources.limits.memory")
    work.remove("heap")
