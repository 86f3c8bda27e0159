"""Each value of the chart changes exactly what it is for."""

from typing import Any

import pytest
import yaml
from tests.support.rendered import paths
from tests.unit.helm.conftest import CHART

README = (CHART / "README.md").read_text()
DEPLOYMENT = "Deployment/ms-modelstream"
POD = f"{DEPLOYMENT}/spec/template/spec"
LABELS = f"{DEPLOYMENT}/spec/template/metadata"
MAIN = f"{POD}/containers[operator]"
JOB = "Job/ms-modelstream-uninstall"
HOOK = f"{JOB}/spec/template/spec"
SPREAD = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
USER = ("fsGroup", "runAsGroup", "runAsUser")


def leaves(manifests: list[dict[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for each in manifests:
        if each["kind"] != "CustomResourceDefinition":
            found |= dict(paths(each, f"{each['kind']}/{each['metadata']['name']}"))
    return found


def changed(before: list[dict[str, Any]], after: list[dict[str, Any]]) -> dict[str, Any]:
    """Leaves that differ; None for one that is gone."""
    old, new = leaves(before), leaves(after)
    differ = {path for path in old.keys() | new.keys() if old.get(path) != new.get(path)}
    return {path: new.get(path) for path in differ}


def both(path: str, value: Any) -> dict[str, Any]:
    """The same in the operator's pod and in the hook's."""
    return {f"{pod}/{path}": value for pod in (POD, HOOK)}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param(
            {"nodeSelector": {"pool": "ops"}}, both("nodeSelector/pool", "ops"), id="nodeSelector"
        ),
        pytest.param(
            {"tolerations": [{"operator": "Exists"}]},
            both("tolerations[0]/operator", "Exists"),
            id="tolerations",
        ),
        pytest.param(
            {"priorityClassName": "high"}, both("priorityClassName", "high"), id="priorityClassName"
        ),
        pytest.param(
            {"affinity": {"podAntiAffinity": {"x": 1}}},
            both("affinity/podAntiAffinity/x", 1),
            id="affinity",
        ),
        pytest.param(
            {"imagePullSecrets": ["pull"]},
            {
                **both("imagePullSecrets[pull]/name", "pull"),
                f"{MAIN}/env[MODELSTREAM_IMAGE_PULL_SECRETS]/value": "pull",
            },
            id="imagePullSecrets",
        ),
        pytest.param(
            {"topologySpreadConstraints": [SPREAD]},
            {f"{POD}/topologySpreadConstraints[0]/{k}": v for k, v in SPREAD.items()},
            id="topologySpreadConstraints",
        ),
        pytest.param(
            {"deploymentAnnotations": {"a/b": "c"}},
            {f"{DEPLOYMENT}/metadata/annotations/a/b": "c"},
            id="deploymentAnnotations",
        ),
        pytest.param(
            {"podAnnotations": {"inject": "no"}},
            {
                f"{root}/template/metadata/annotations/inject": "no"
                for root in (f"{DEPLOYMENT}/spec", f"{JOB}/spec")
            },
            id="podAnnotations",
        ),
        pytest.param(
            {"podLabels": {"mesh": "no"}},
            {
                f"{root}/template/metadata/labels/mesh": "no"
                for root in (f"{DEPLOYMENT}/spec", f"{JOB}/spec")
            },
            id="podLabels",
        ),
        pytest.param(
            {"extraEnv": [{"name": "TZ", "value": "UTC"}]},
            {f"{MAIN}/env[TZ]/name": "TZ", f"{MAIN}/env[TZ]/value": "UTC"},
            id="extraEnv",
        ),
        pytest.param(
            {"extraVolumes": [{"name": "ca", "configMap": {"name": "ca"}}]},
            {f"{POD}/volumes[ca]/name": "ca", f"{POD}/volumes[ca]/configMap/name": "ca"},
            id="extraVolumes",
        ),
        pytest.param(
            {"extraVolumeMounts": [{"name": "ca", "mountPath": "/ca"}]},
            {
                f"{MAIN}/volumeMounts[/ca]/name": "ca",
                f"{MAIN}/volumeMounts[/ca]/mountPath": "/ca",
            },
            id="extraVolumeMounts",
        ),
        pytest.param(
            {"user": None},
            {
                **{f"{pod}/securityContext/{each}": None for pod in (POD, HOOK) for each in USER},
                f"{MAIN}/env[MODELSTREAM_USER]/value": "",
            },
            id="no user, for a platform that gives one",
        ),
        pytest.param(
            {"user": 1000680000},
            {
                **{
                    f"{pod}/securityContext/{each}": 1000680000
                    for pod in (POD, HOOK)
                    for each in USER
                },
                f"{MAIN}/env[MODELSTREAM_USER]/value": "1000680000",
            },
            id="a large user",
        ),
        pytest.param(
            {"rollout": "OneByOne"},
            {f"{MAIN}/env[MODELSTREAM_ROLLOUT]/value": "OneByOne"},
            id="rollout",
        ),
        pytest.param(
            {"podSecurityContext": {"seLinuxOptions": {"level": "s0:c1"}}},
            both("securityContext/seLinuxOptions/level", "s0:c1"),
            id="podSecurityContext",
        ),
        pytest.param(
            {"securityContext": {"readOnlyRootFilesystem": False}},
            {
                f"{MAIN}/securityContext/readOnlyRootFilesystem": False,
                f"{HOOK}/containers[uninstall]/securityContext/readOnlyRootFilesystem": False,
            },
            id="securityContext",
        ),
        pytest.param(
            {"serviceAccount.annotations": {"role": "x"}},
            {"ServiceAccount/ms-modelstream/metadata/annotations/role": "x"},
            id="serviceAccount.annotations",
        ),
    ],
)
def test_a_value_changes(rendered: Any, values: dict[str, Any], expected: dict[str, Any]) -> None:
    assert changed(rendered(), rendered(**values)) == expected


def test_a_label_of_all_is_on_every_object_and_pod(rendered: Any) -> None:
    manifests = rendered(commonLabels={"team": "ml"}, **{"crd.install": False})

    for each in manifests:
        assert each["metadata"]["labels"]["team"] == "ml", each["kind"]
    for each in (manifests.one("Deployment"), manifests.one("Job")):
        assert each["spec"]["template"]["metadata"]["labels"]["team"] == "ml"


def test_a_label_of_all_cannot_take_the_place_of_one_that_selects(rendered: Any) -> None:
    manifests = rendered(commonLabels={"app.kubernetes.io/instance": "mine"})

    deployment = manifests.one("Deployment")["spec"]
    assert deployment["template"]["metadata"]["labels"]["app.kubernetes.io/instance"] == "ms"
    assert deployment["selector"]["matchLabels"]["app.kubernetes.io/instance"] == "ms"


@pytest.mark.parametrize(
    ("values", "release", "name"),
    [
        pytest.param({}, "ms", "ms-modelstream", id="release and chart"),
        pytest.param({}, "modelstream-b", "modelstream-b", id="release with the chart's name"),
        pytest.param({"nameOverride": "x"}, "ms", "ms-x", id="another name for the chart"),
        pytest.param({"fullnameOverride": "y"}, "ms", "y", id="another name"),
    ],
)
def test_objects_are_named_by(rendered: Any, values: Any, release: str, name: str) -> None:
    manifests = rendered(release=release, **values)

    assert manifests.one("Deployment")["metadata"]["name"] == name
    assert manifests.one("ServiceAccount")["metadata"]["name"] == name


def test_an_account_that_is_there_is_used_by_the_operator_and_its_hook(rendered: Any) -> None:
    manifests = rendered(serviceAccount={"create": False, "name": "mine"})

    assert not manifests.of("ServiceAccount")
    assert {pod["serviceAccountName"] for pod in manifests.pods} == {"mine"}
    (subject,) = manifests.of("ClusterRoleBinding")[0]["subjects"]
    assert subject["name"] == "mine"


def test_rights_can_be_left_to_somebody_else(rendered: Any) -> None:
    kinds = {each["kind"] for each in rendered(**{"rbac.create": False})}

    assert not kinds & {"Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"}


def test_every_value_is_told_of_in_the_readme() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())

    assert [name for name in values if f"`{name}" not in README] == []
