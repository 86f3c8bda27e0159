from collections.abc import Callable
from typing import Any

import pytest
from tests.support.rendered import TM_POD, leaves

from modelstream_operator.render import Target, children
from modelstream_operator.render.merge import merge, secure

TargetMaker = Callable[..., Target]


def pod_with(target: TargetMaker, template: dict[str, Any]) -> dict[str, Any]:
    made = children(target({"spec/flink/taskManager/podTemplate": template}))
    found: dict[str, Any] = made[-1]["spec"]["template"]
    return found


def test_lists_of_named_things_merge_by_name() -> None:
    ours = [{"name": "a", "value": "1"}, {"name": "b", "value": "2"}]
    theirs = [{"name": "b", "value": "3"}, {"name": "c", "value": "4"}]
    assert merge(ours, theirs, "env") == [
        {"name": "a", "value": "1"},
        {"name": "b", "value": "3"},
        {"name": "c", "value": "4"},
    ]


def test_sidecars_of_a_template_run_before_models_are_fetched_and_the_rest_after(
    target: TargetMaker,
) -> None:
    proxy, last = {"name": "proxy", "restartPolicy": "Always"}, {"name": "last"}
    made = pod_with(target, {"spec": {"initContainers": [last, proxy]}})
    assert [each["name"] for each in made["spec"]["initContainers"]] == ["proxy", "verify", "last"]


def test_a_variable_from_a_secret_replaces_a_plain_value() -> None:
    theirs = [{"name": "a", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}]
    assert merge([{"name": "a", "value": "1"}], theirs, "env") == theirs


def test_two_of_theirs_that_share_a_key_both_stay() -> None:
    theirs = [{"containerPort": 53, "protocol": each} for each in ("TCP", "UDP")]
    assert merge([{"containerPort": 80}], theirs, "ports") == [{"containerPort": 80}, *theirs]


def test_tolerations_are_added() -> None:
    assert merge([{"key": "a"}], [{"key": "a"}, {"key": "b"}], "tolerations") == [
        {"key": "a"},
        {"key": "b"},
    ]


def test_the_gpu_check_can_be_turned_off_for_the_main_container(target: TargetMaker) -> None:
    off = [{"name": "MODELSTREAM_GPU_CHECK", "value": "Off"}]
    pod = pod_with(target, {"spec": {"containers": [{"name": "main", "env": off}]}})
    environment = {e["name"]: e.get("value") for e in pod["spec"]["containers"][0]["env"]}
    assert environment["MODELSTREAM_GPU_CHECK"] == "Off"
    assert environment["HOME"] == "/tmp"


def test_a_sidecar_joins_the_pod_and_is_secured(target: TargetMaker) -> None:
    sidecar = {"name": "proxy", "image": "p:1"}
    pod = pod_with(target, {"spec": {"containers": [sidecar]}})
    assert [c["name"] for c in pod["spec"]["containers"]] == ["main", "proxy"]
    assert pod["spec"]["containers"][1]["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def test_what_the_restricted_profile_allows_a_container_is_its_own(target: TargetMaker) -> None:
    allowed = {
        "seccompProfile": {"type": "Localhost", "localhostProfile": "p.json"},
        "capabilities": {"add": ["NET_BIND_SERVICE"]},
        "readOnlyRootFilesystem": False,
    }
    sidecar = {"name": "proxy", "image": "p:1", "securityContext": allowed}
    pod = pod_with(target, {"spec": {"containers": [sidecar]}})
    assert pod["spec"]["containers"][1]["securityContext"] == {
        **allowed,
        "runAsNonRoot": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]},
    }


ZONE = {"key": "zone", "operator": "In", "values": ["a"]}
NAME = {"key": "metadata.name", "operator": "In", "values": ["n"]}


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        pytest.param(
            [{"matchExpressions": [ZONE]}, {"matchFields": [NAME]}],
            [
                {"matchExpressions": [ZONE, "gpu"]},
                {"matchFields": [NAME], "matchExpressions": ["gpu"]},
            ],
            id="each of several",
        ),
        pytest.param([{}], [{}], id="an empty one, which is true of no node"),
    ],
)
def test_nodes_must_keep_the_template_s_terms_and_the_gpu_s(
    target: TargetMaker, terms: list[Any], expected: list[Any]
) -> None:
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}
    pod = {"spec": {"affinity": {"nodeAffinity": required}}}
    made = target(
        {"spec/gpu": {"count": 1, "allowMig": True, "allowShared": True, "products": ["gpu"]}}
        | {"spec/flink/taskManager/podTemplate": pod}
    )
    found = children(made)[-1]["spec"]["template"]["spec"]["affinity"]["nodeAffinity"]
    rule = {"key": "nvidia.com/gpu.product", "operator": "In"}
    text = [
        {
            key: ["gpu" if each.items() >= rule.items() else each for each in rules]
            for key, rules in term.items()
        }
        for term in found["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]
    ]
    assert text == expected


def test_the_labels_that_select_pods_stay(target: TargetMaker) -> None:
    labels = {"modelstream.dev/name": "other", "team": "fraud"}
    pod = pod_with(target, {"metadata": {"labels": labels}})
    assert pod["metadata"]["labels"]["modelstream.dev/name"] == "scores"
    assert pod["metadata"]["labels"]["team"] == "fraud"


@pytest.mark.parametrize(
    ("user", "theirs", "identity"),
    [
        pytest.param(9999, {}, (9999, 9999, 9999), id="the setting"),
        pytest.param(9999, {"fsGroup": 5}, (9999, 9999, 5), id="the template's group"),
        pytest.param(None, {}, (None, None, None), id="nobody: the platform gives one"),
        pytest.param(None, {"runAsUser": 7}, (7, None, None), id="the template's user alone"),
    ],
)
def test_a_pod_runs_as(user: int | None, theirs: dict[str, Any], identity: Any) -> None:
    context = secure({"containers": [], "securityContext": theirs}, user)["securityContext"]

    assert tuple(context.get(key) for key in ("runAsUser", "runAsGroup", "fsGroup")) == identity
    assert context["runAsNonRoot"] is True


def test_what_pods_write_on_their_node_can_be_limited_and_reserved(target: TargetMaker) -> None:
    limit = {"name": "tmp", "emptyDir": {"sizeLimit": "20Gi"}}
    manager = {
        "podTemplate": {"spec": {"volumes": [limit]}},
        "resources": {"requests": {"ephemeral-storage": "20Gi"}},
    }
    found = leaves(target({"spec/flink/taskManager": manager}))
    assert found[f"{TM_POD}/volumes[tmp]/emptyDir/sizeLimit"] == "20Gi"
    requests = f"{TM_POD}/containers[main]/resources/requests"
    assert found[f"{requests}/ephemeral-storage"] == "20Gi"
