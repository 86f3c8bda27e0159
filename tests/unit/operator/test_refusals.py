from collections.abc import Callable
from typing import Any

import pytest

from modelstream_operator.decide.drift import is_as_applied
from modelstream_operator.decide.refusals import refusals
from modelstream_operator.render import Target, children
from modelstream_operator.settings import Settings

TargetMaker = Callable[..., Target]
TM = "spec/flink/taskManager"
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(
            {f"{TM}/resources": {"limits": {"memory": "1Gi"}}},
            "taskManager.resources.limits.memory: 1024 MiB is too little",
            id="TaskManager memory",
        ),
        pytest.param(
            {"spec/flink/jobManager/resources": {"limits": {"memory": "1Gi"}}},
            "write at least 1536Mi",
            id="JobManager memory",
        ),
        pytest.param(
            {f"{TM}/podTemplate": {"spec": {"hostNetwork": True}}}, "hostNetwork", id="host network"
        ),
        pytest.param(
            {f"{TM}/podTemplate": {"spec": {"volumes": [{"name": "x", "hostPath": {}}]}}},
            "volumes[0].hostPath",
            id="host path",
        ),
        pytest.param(
            {f"{TM}/podTemplate": {"spec": {"containers": [{"name": "main", "command": []}]}}},
            "containers[0].command",
            id="command",
        ),
        pytest.param(
            {f"{TM}/podTemplate": {"spec": {"securityContext": {"runAsUser": 0}}}},
            "podTemplate.spec.securityContext.runAsUser: 0",
            id="root for the pod",
        ),
        pytest.param(
            {
                f"{TM}/podTemplate": {
                    "spec": {"initContainers": [{"name": "x", "securityContext": {"runAsUser": 0}}]}
                }
            },
            "initContainers[0].securityContext.runAsUser: 0",
            id="root for a container",
        ),
        pytest.param(
            {
                f"{TM}/podTemplate": {
                    "spec": {
                        "containers": [
                            {"name": "p", "ports": [{"containerPort": 1, "hostPort": 80}]}
                        ]
                    }
                }
            },
            "containers[0].ports[0].hostPort",
            id="host port",
        ),
        *(
            pytest.param(
                {
                    f"{TM}/podTemplate": {
                        "spec": {"containers": [{"name": "p", "securityContext": context}]}
                    }
                },
                f"containers[0].securityContext.{words} ",
                id=words,
            )
            for context, words in (
                ({"privileged": True}, "privileged: true"),
                ({"allowPrivilegeEscalation": True}, "allowPrivilegeEscalation: true"),
                ({"runAsNonRoot": False}, "runAsNonRoot: false"),
                ({"procMount": "Unmasked"}, "procMount: Unmasked"),
                ({"capabilities": {"add": ["SYS_ADMIN"]}}, "capabilities.add: SYS_ADMIN"),
                ({"capabilities": {"drop": ["CHOWN"]}}, "capabilities.drop: must hold ALL:"),
                ({"seccompProfile": {"type": "Unconfined"}}, "seccompProfile.type: Unconfined"),
                ({"windowsOptions": {"hostProcess": True}}, "windowsOptions.hostProcess: true"),
            )
        ),
        pytest.param(
            {f"{TM}/podTemplate": {"spec": {"nodeName": "n"}}}, "spec.nodeName", id="node name"
        ),
        pytest.param(
            {
                "spec/gpu": {"count": 1, "nodeSelector": {"pool": "a"}},
                f"{TM}/podTemplate": {"spec": {"nodeSelector": {"pool": "b", "x": "y"}}},
            },
            "nodeSelector[pool]: b is not a, as spec.gpu.nodeSelector has it",
            id="two node selectors",
        ),
        pytest.param(
            {
                "spec/gpu": {"count": 1, "runtimeClassName": "nvidia"},
                f"{TM}/podTemplate": {"spec": {"runtimeClassName": "kata"}},
            },
            "runtimeClassName: kata is not nvidia",
            id="two runtime classes",
        ),
        pytest.param({"spec/flink/parallelism": 300}, "max-parallelism (256)", id="parallelism"),
    ],
)
def test_what_cannot_run_is_refused_with_what_to_write(
    target: TargetMaker, change: dict[str, Any], words: str
) -> None:
    (refusal,) = refusals(target(change))
    assert words in refusal


@pytest.mark.parametrize("field", ["serviceAccountName", "serviceAccount"])
def test_an_account_in_a_template_is_refused_with_the_field_for_it(
    target: TargetMaker, field: str
) -> None:
    (refusal,) = refusals(target({f"{TM}/podTemplate": {"spec": {field: "mine"}}}))
    assert "write spec.flink.serviceAccount.name" in refusal


def test_an_account_that_the_administrator_does_not_list_is_refused(target: TargetMaker) -> None:
    settings = Settings(service_accounts=("mine", "ours"))
    change = {"spec/flink/serviceAccount": {"name": "theirs"}}
    (refusal,) = refusals(target(change, settings))
    assert "write one of mine, ours" in refusal
    assert not list(refusals(target(change)))
    assert not list(refusals(target({"spec/flink/serviceAccount": {"name": "ours"}}, settings)))


def test_a_sound_spec_is_not_refused(target: TargetMaker) -> None:
    sidecar = {"name": "proxy", "image": "p", "command": ["x"]}
    assert list(refusals(target({f"{TM}/podTemplate": {"spec": {"containers": [sidecar]}}}))) == []


def test_a_child_with_more_than_was_asked_for_is_as_applied(target: TargetMaker) -> None:
    for desired in children(target()):
        live = {**desired, "metadata": {**desired["metadata"], "uid": "x"}, "status": {}}
        assert is_as_applied(desired, live)


def test_a_child_that_someone_changed_is_not_as_applied(target: TargetMaker) -> None:
    desired = children(target())[-1]
    live = {**desired, "spec": {**desired["spec"], "replicas": 9}}
    assert not is_as_applied(desired, live)


def test_a_child_of_another_plan_is_not_as_applied(target: TargetMaker) -> None:
    old, new = children(target())[-1], children(target(running=False))[-1]
    assert not is_as_applied(new, old)


@pytest.mark.parametrize(
    ("template", "path"),
    [
        pytest.param({"spec": "x"}, ".spec: is not a mapping", id="spec"),
        pytest.param({"metadata": ["x"]}, ".metadata: is not a mapping", id="metadata"),
        pytest.param({"metadata": {"labels": None}}, ".metadata.labels: is not a map", id="labels"),
        pytest.param({"spec": {"containers": "x"}}, ".spec.containers: is not a list", id="text"),
        pytest.param(
            {"spec": {"containers": [1]}}, ".spec.containers: is not a list", id="numbers"
        ),
        pytest.param({"spec": {"volumes": [{}]}}, "that have name", id="no name"),
        pytest.param({"spec": {"volumes": [{"name": {}}]}}, "that have name", id="a name of maps"),
        pytest.param({"spec": {"containers": None}}, ".spec.containers: is not a list", id="null"),
        pytest.param(
            {"spec": {"securityContext": "x"}}, ".spec.securityContext: is not a map", id="security"
        ),
        pytest.param(
            {"spec": {"containers": [{"name": "main", "env": ["A=b"]}]}},
            ".spec.containers[0].env: is not a list",
            id="env",
        ),
        pytest.param(
            {"spec": {"containers": [{"name": "main", "securityContext": []}]}},
            ".spec.containers[0].securityContext: is not a mapping",
            id="security of a container",
        ),
        pytest.param(
            {"spec": {"nodeSelector": ["x"]}}, ".spec.nodeSelector: is not a map", id="selector"
        ),
        pytest.param(
            {"spec": {"affinity": "x"}}, ".spec.affinity: affinity is not a map", id="affinity"
        ),
        pytest.param(
            {"spec": {"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [1]}}}}},
            ".spec.affinity: nodeSelectorTerms is not a list",
            id="terms",
        ),
    ],
)
def test_a_template_that_is_no_pod_is_refused_before_it_is_merged(
    target: TargetMaker, template: dict[str, Any], path: str
) -> None:
    (refusal,) = refusals(target({f"{TM}/podTemplate": template}))
    assert refusal.startswith("spec.flink.taskManager.podTemplate")
    assert path in refusal


@pytest.mark.parametrize(
    "template",
    [
        pytest.param({"metadata": None, "spec": None}, id="nothing"),
        pytest.param({"metadata": {"labels": {"env": "prod", "ports": "x"}}}, id="labels"),
        pytest.param(
            {"spec": {"containers": [{"name": "main", "ports": [{"containerPort": 1}]}]}}, id="port"
        ),
    ],
)
def test_what_a_pod_may_have_is_not_refused(target: TargetMaker, template: dict[str, Any]) -> None:
    made = target({f"{TM}/podTemplate": template})
    assert list(refusals(made)) == []
    assert children(made)
