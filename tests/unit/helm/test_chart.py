import re
from dataclasses import fields

import pytest
import yaml
from tests.unit.helm.conftest import CHART, KUBERNETES, helm

from modelstream_operator.resources import CHILDREN, CLAIM, EVENT, LEASE, MODELSTREAM, NODE, POD
from modelstream_operator.settings import PREFIX, Settings

GUIDE = CHART.parents[1] / "docs" / "operator.md"
CRD = CHART.parents[1] / "crds" / "modelstream.dev_modelstreams.yaml"
COPY = CHART / "files" / CRD.name


def rules(manifest):
    """(resource, verb) pairs of a Role."""
    return {
        (resource, verb)
        for rule in manifest["rules"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


AGGREGATED = "rbac.authorization.k8s.io/aggregate-to-"


def granted(manifests):
    """What the operator may do."""
    roles = [*manifests.of("Role"), *manifests.of("ClusterRole")]
    own = [role for role in roles if not any(AGGREGATED in x for x in role["metadata"]["labels"])]
    return {pair for role in own for pair in rules(role)}


def aggregated(manifests, to):
    """What the role ``to`` of a namespace gets."""
    roles = manifests.of("ClusterRole")
    return {
        pair
        for role in roles
        if role["metadata"]["labels"].get(AGGREGATED + to) == "true"
        for pair in rules(role)
    }


def identities(manifests):
    """What names an object in a cluster; the definition is apart."""
    cluster = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}
    return {
        (
            each["kind"],
            "" if each["kind"] in cluster else each["metadata"]["namespace"],
            each["metadata"]["name"],
        )
        for each in manifests
    }


def test_the_chart_passes_strict_lint():
    done = helm("lint", "--strict", KUBERNETES, str(CHART))

    assert done.returncode == 0, done.stdout


def test_the_definition_in_the_chart_is_the_one_in_crds():
    assert COPY.read_bytes() == CRD.read_bytes(), "run `make chart`"


def test_the_definition_is_kept_when_the_release_goes(rendered):
    crd = rendered().one("CustomResourceDefinition")

    assert crd["metadata"]["annotations"]["helm.sh/resource-policy"] == "keep"
    assert crd["spec"] == yaml.safe_load(CRD.read_text())["spec"]


def test_the_definition_can_be_left_to_somebody_else(rendered):
    assert not rendered(**{"crd.install": False}).of("CustomResourceDefinition")


def test_no_role_names_secrets(rendered):
    for scope in ({"scope": "Cluster"}, {"scope": "Namespace"}):
        assert not {resource for resource, _ in granted(rendered(**scope))} & {"secrets", "*"}


def test_every_kind_that_the_operator_applies_is_granted(rendered):
    pairs = granted(rendered())

    for child in CHILDREN:
        verbs = {verb for resource, verb in pairs if resource == child.plural}
        assert verbs >= {"list", "watch", "create", "patch", "delete"}, child.kind


def test_nothing_beyond_what_the_operator_uses_is_granted(rendered):
    used = {each.plural for each in (*CHILDREN, MODELSTREAM, POD, CLAIM, EVENT, LEASE, NODE)}
    used |= {f"{MODELSTREAM.plural}/status", f"{MODELSTREAM.plural}/finalizers"}

    assert {resource for resource, _ in granted(rendered())} == used


def test_the_guide_lists_the_rights_that_the_chart_gives(rendered):
    section = GUIDE.read_text().split("\n## Rights\n", 1)[1].split("\n## ", 1)[0]
    rows = [line.split(" | ") for line in section.splitlines() if line.startswith("| `")]
    told = {
        (resource, verb)
        for first, verbs in rows
        for resource in re.findall(r"`([a-z/]+)`", first)
        for verb in verbs.removesuffix(" |").split(", ")
    }
    assert told == {pair for pair in granted(rendered(scope="Namespace")) if own(*pair)}


def own(resource, verb):
    """Leases, and the operator's own pod, are told apart."""
    return resource != LEASE.plural and (resource, verb) != ("pods", "get")


def test_the_scope_of_one_namespace_needs_no_cluster_role(rendered):
    manifests = rendered(scope="Namespace", nodes=False, **{"crd.install": False})

    assert not manifests.of("ClusterRole")
    assert not manifests.of("ClusterRoleBinding")
    assert manifests.environment["MODELSTREAM_NAMESPACES"] == "modelstream-system"


def test_the_scope_of_a_list_makes_a_role_in_each(rendered):
    manifests = rendered(scope="Namespaces", namespaces=["a", "b"])
    operator = [r for r in manifests.of("Role") if r["metadata"]["name"].endswith("-operator")]

    assert [each["metadata"]["namespace"] for each in operator] == ["a", "b"]
    assert manifests.environment["MODELSTREAM_NAMESPACES"] == "a,b"


def leases(manifests):
    """(namespace, names, verbs) of each rule about Leases; the cluster's have no namespace."""
    roles = [*manifests.of("Role"), *manifests.of("ClusterRole")]
    return {
        (role["metadata"].get("namespace"), *rule.get("resourceNames", ["*"]), *rule["verbs"])
        for role in roles
        for rule in role["rules"]
        if rule["resources"] == [LEASE.plural]
    }


def test_the_lease_of_the_cluster_is_one_for_all_releases(rendered):
    manifests = rendered(leaseNamespace="elsewhere")

    assert manifests.environment["MODELSTREAM_LEASE_NAMESPACE"] == "elsewhere"
    assert leases(manifests) == {
        ("elsewhere", "*", "create"),
        ("elsewhere", "modelstream-cluster", "get", "update"),
        (None, "modelstream-operator", "list", "watch"),
    }


def test_a_list_of_namespaces_has_a_lease_in_each(rendered):
    assert leases(rendered(scope="Namespaces", namespaces=["a", "b"])) == {
        (namespace, *rule)
        for namespace in ("a", "b")
        for rule in (("*", "create"), ("modelstream-operator", "get", "update"))
    }


def test_the_scope_of_the_cluster_names_no_namespace(rendered):
    assert rendered().environment["MODELSTREAM_NAMESPACES"] == ""


def test_nodes_are_read_only_where_that_is_allowed(rendered):
    without = rendered(nodes=False)

    assert not {pair for pair in granted(without) if pair[0] == "nodes"}
    assert without.environment["MODELSTREAM_NODES"] == "false"


def test_every_pod_passes_the_restricted_profile(rendered):
    for pod in rendered().pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }


def test_one_operator_runs_and_the_old_one_goes_first(rendered):
    spec = rendered().one("Deployment")["spec"]

    assert spec["replicas"] == 1
    assert spec["strategy"] == {"type": "Recreate"}


def test_every_variable_is_a_setting_of_the_operator(rendered):
    known = {PREFIX + each.name.upper() for each in fields(Settings)}

    assert set(rendered().environment) <= known


def test_every_setting_can_be_given(rendered):
    own = set(rendered().environment)
    others = {PREFIX + each.name.upper() for each in fields(Settings)} - own
    values = {f"settings.{name.removeprefix(PREFIX)}": "1" for name in others}

    assert others <= set(rendered(**values).environment)


def test_a_digest_wins_over_the_tag(rendered):
    digest = "sha256:" + "a" * 64
    manifests = rendered(**{"runtime.cpu": {"repository": "r", "tag": "1", "digest": digest}})

    assert manifests.environment["MODELSTREAM_IMAGE_CPU"] == f"r@{digest}"


def test_the_tag_is_the_version_of_the_chart_by_default(rendered):
    version = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]

    assert rendered().environment["MODELSTREAM_IMAGE_CUDA"].endswith(f":{version}")


def test_what_is_optional_is_off_by_default(rendered):
    kinds = {each["kind"] for each in rendered()}

    assert not kinds & {"ServiceMonitor", "PodDisruptionBudget", "NetworkPolicy"}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        pytest.param("metrics.serviceMonitor.enabled", "ServiceMonitor", id="monitor"),
        pytest.param("podDisruptionBudget.enabled", "PodDisruptionBudget", id="disruption"),
        pytest.param("networkPolicy.enabled", "NetworkPolicy", id="policy"),
    ],
)
def test_what_is_optional_can_be_turned_on(rendered, value, kind):
    assert rendered(**{value: True}).one(kind)


def test_uninstalling_is_refused_by_a_hook_unless_turned_off(rendered):
    hook = rendered().one("Job")

    assert hook["metadata"]["annotations"]["helm.sh/hook"] == "pre-delete"
    compile(hook["spec"]["template"]["spec"]["containers"][0]["args"][0], "uninstall.py", "exec")
    assert not rendered(**{"uninstall.refuse": False}).of("Job")


@pytest.mark.parametrize("scope", ["Cluster", "Namespace"])
@pytest.mark.parametrize(
    ("first", "second"),
    [
        pytest.param(("ms", "a"), ("ms", "b"), id="one name in two namespaces"),
        pytest.param(("one", "a"), ("two", "a"), id="two names in one namespace"),
        pytest.param(("modelstream", "a"), ("modelstream-b", "a"), id="names with the chart's"),
        pytest.param(("a-b", "c"), ("a", "b-c"), id="names that join to the same"),
    ],
)
def test_two_releases_have_the_definition_alone_in_common(rendered, scope, first, second):
    both = (identities(rendered(*each, scope=scope)) for each in (first, second))

    shared = set.intersection(*both)

    assert shared == {("CustomResourceDefinition", "", "modelstreams.modelstream.dev")}


def test_the_roles_of_a_namespace_hold_for_modelstreams(rendered):
    manifests = rendered()
    reading = {"get", "list", "watch"}
    writing = {"create", "update", "patch", "delete", "deletecollection"}

    view, edit, admin = (aggregated(manifests, to) for to in ("view", "edit", "admin"))

    kinds = ("modelstreams", "modelstreams/status", "modelstreams/scale")
    assert view == {(kind, verb) for kind in kinds for verb in reading}
    written = {("modelstreams", verb) for verb in writing}
    assert edit == view | written | {("modelstreams/scale", v) for v in ("update", "patch")}
    assert admin == edit


@pytest.mark.parametrize("value", ["rbac.aggregate", "crd.install"])
def test_the_roles_of_a_namespace_come_with_the_definition_or_not_at_all(rendered, value):
    assert not aggregated(rendered(**{value: False}), "view")


@pytest.mark.parametrize(
    ("values", "asked"),
    [
        pytest.param({"scope": "Namespace"}, "modelstream-system", id="its namespace"),
        pytest.param({"scope": "Namespaces", "namespaces": ["a", "b"]}, "a,b", id="its list"),
        pytest.param({"scope": "Cluster"}, "", id="the cluster"),
        pytest.param(
            {"scope": "Namespace", "crd.keep": False}, "", id="the cluster: the definition goes too"
        ),
        pytest.param(
            {"scope": "Namespace", "crd.keep": False, "crd.install": False},
            "modelstream-system",
            id="its namespace: the definition is another release's",
        ),
    ],
)
def test_the_hook_asks_where_streams_would_be_left_alone(rendered, values, asked):
    manifests = rendered(**values)

    args = manifests.one("Job")["spec"]["template"]["spec"]["containers"][0]["args"]
    assert args[1] == asked
    everywhere = {pair for role in manifests.of("ClusterRole") for pair in rules(role)}
    assert asked or ("modelstreams", "list") in everywhere


@pytest.mark.parametrize(
    ("values", "word"),
    [
        pytest.param({"scope": "Everything"}, "scope", id="unknown scope"),
        pytest.param({"scope": "Namespaces"}, "namespaces", id="a list without namespaces"),
        pytest.param({"namespaces": ["a"]}, "namespaces", id="namespaces without the list scope"),
        pytest.param({"replicas": 2}, "replicas", id="unknown value"),
        pytest.param({"settings": {"RESINC": 1}}, "RESINC", id="misspelt setting"),
        pytest.param({"image.digest": "sha256:abc"}, "digest", id="short digest"),
        pytest.param({"metrics.port": "x"}, "port", id="port that is no number"),
        pytest.param({"user": 0}, "user", id="root"),
        pytest.param({"serviceAccount.create": False}, "serviceAccount/name", id="no account"),
        pytest.param(
            {"extraEnv": [{"name": "MODELSTREAM_RESYNC"}]}, "extraEnv", id="a setting as a variable"
        ),
        pytest.param({"extraVolumes": [{"name": "tmp"}]}, "extraVolumes", id="a volume of ours"),
    ],
)
def test_wrong_values_are_refused_by_name(refused, values, word):
    assert word in refused(**values)
