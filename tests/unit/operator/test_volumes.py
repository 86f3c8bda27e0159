"""A claim is one volume of a pod, and no two volumes share a name."""

from collections.abc import Callable
from typing import Any

import pytest

from modelstream_operator.render import Target, children
from modelstream_operator.render.volumes import LONGEST, volume_name

TargetMaker = Callable[..., Target]
STATE = "/var/lib/modelstream/state"


def taskmanager(target: TargetMaker, changes: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = children(target(changes))[-1]["spec"]["template"]["spec"]
    return found


def claims(pod: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Each volume of a claim, by its name."""
    volumes = pod["volumes"]
    key = "persistentVolumeClaim"
    return {each["name"]: each[key] for each in volumes if key in each}


def mounts(pod: dict[str, Any], container: str = "main") -> dict[str, dict[str, Any]]:
    (found,) = [
        each for each in [*pod["initContainers"], *pod["containers"]] if each["name"] == container
    ]
    return {each["mountPath"]: each for each in found["volumeMounts"]}


def template(claim: str, read_only: bool = False) -> dict[str, Any]:
    """A podTemplate that mounts a claim under names of its own."""
    source = {"claimName": claim, **({"readOnly": True} if read_only else {})}
    mount = {"name": "files", "mountPath": "/files", "subPath": "in"}
    return {
        "spec/flink/taskManager/podTemplate": {
            "spec": {
                "volumes": [{"name": "files", "persistentVolumeClaim": source}],
                "containers": [{"name": "main", "volumeMounts": [mount]}],
            }
        }
    }


def test_state_on_the_claim_of_the_template_is_one_volume_under_its_name(
    target: TargetMaker,
) -> None:
    pod = taskmanager(target, {"spec/state": {"storage": "pvc://data/state"}, **template("data")})
    assert claims(pod)["files"] == {"claimName": "data"}
    assert "state" not in claims(pod)
    assert mounts(pod)[STATE] == {"name": "files", "mountPath": STATE, "subPath": "state"}
    assert mounts(pod)["/files"] == {"name": "files", "mountPath": "/files", "subPath": "in"}


def test_models_on_the_claim_of_the_template_stay_read_only(target: TargetMaker) -> None:
    pod = taskmanager(target, template("models"))
    assert claims(pod) == {"files": {"claimName": "models"}}
    model = {
        "name": "files",
        "mountPath": "/models/fraud",
        "subPath": "fraud",
        "readOnly": True,
    }
    assert mounts(pod)["/models/fraud"] == model
    assert mounts(pod, "verify")["/models/fraud"] == model
    assert "readOnly" not in mounts(pod)["/files"]


def test_what_the_template_mounts_from_a_read_only_volume_stays_so_beside_state(
    target: TargetMaker,
) -> None:
    changes = {"spec/state": {"storage": "pvc://data"}, **template("data", read_only=True)}
    pod = taskmanager(target, changes)
    assert claims(pod)["files"] == {"claimName": "data"}
    assert mounts(pod)["/files"]["readOnly"] is True
    assert "readOnly" not in mounts(pod)[STATE]


def test_a_claim_that_everyone_only_reads_stays_read_only(target: TargetMaker) -> None:
    pod = taskmanager(target, template("models", read_only=True))
    assert claims(pod) == {"files": {"claimName": "models", "readOnly": True}}


def test_models_and_state_on_one_claim_are_one_volume(target: TargetMaker) -> None:
    pod = taskmanager(target, {"spec/state": {"storage": "pvc://models/state"}})
    assert claims(pod) == {"claim-models": {"claimName": "models"}}
    assert mounts(pod)[STATE]["name"] == mounts(pod)["/models/fraud"]["name"] == "claim-models"


def test_a_claim_that_the_template_names_twice_is_one_volume(target: TargetMaker) -> None:
    two = [
        {"name": name, "persistentVolumeClaim": {"claimName": "data"}} for name in ("one", "two")
    ]
    sidecar = {"name": "x", "image": "x", "volumeMounts": [{"name": "two", "mountPath": "/x"}]}
    spec = {"volumes": two, "containers": [sidecar]}
    pod = taskmanager(target, {"spec/flink/taskManager/podTemplate": {"spec": spec}})
    assert claims(pod).keys() == {"claim-models", "one"}
    assert mounts(pod, "x")["/x"]["name"] == "one"


@pytest.mark.parametrize(
    "names",
    [
        pytest.param(("a.b", "a-b"), id="a dot"),
        pytest.param((f"{'a' * 60}-b", f"{'a' * 60}-c"), id="cut"),
        pytest.param((f"{'a' * 46}---{'b' * 20}", f"{'a' * 46}---c{'b' * 20}"), id="cut at a dash"),
    ],
)
def test_volumes_of_two_secrets_have_two_names_that_kubernetes_takes(
    target: TargetMaker, names: tuple[str, str]
) -> None:
    options = {f"o.{i}": {"name": name, "key": "k"} for i, name in enumerate(names)}
    pod = taskmanager(target, {"spec/flink/secretConfiguration": options})
    found = [each["name"] for each in pod["volumes"] if "secret" in each]
    assert len(set(found)) == 2
    for name in found:
        assert len(name) <= LONGEST
        assert name.replace("-", "").isalnum()
        assert not name.endswith("-")
    assert {mount["name"] for mount in mounts(pod).values()} >= set(found)


def test_a_name_that_fits_is_kept() -> None:
    assert volume_name("secret", "db") == "secret-db"
