"""Nothing is left, and nothing hangs."""

import subprocess

import pytest
from tests.e2e import workloads
from tests.e2e.cluster import Namespace, eventually, run
from tests.e2e.conftest import SYSTEM, install

SQL = {"statements": "CREATE TABLE x (y INT) WITH ('connector' = 'print'); INSERT INTO x VALUES 1"}


def helm_uninstall():
    return subprocess.run(
        ["helm", "uninstall", "modelstream", "--namespace", SYSTEM, "--wait", "--timeout", "120s"],
        capture_output=True,
        text=True,
        check=False,
    )


def installed():
    return run(
        *("kubectl", "get", "-A", "-o", "name", "-l", "app.kubernetes.io/instance=modelstream"),
        "all,serviceaccounts,clusterroles,clusterrolebindings,roles,rolebindings,configmaps",
    ).strip()


@pytest.fixture
def _again(system, images):
    yield
    install(system, images)


def test_the_namespace_of_a_stream_goes_whatever_the_stream_does(system):
    namespace = Namespace("modelstream-e2e-gone")
    namespace.delete()
    namespace.create()
    models = [{"name": "guesslang", "uri": "pvc://nobody/x"}]
    namespace.apply(workloads.stream("stuck", models=models, sql=SQL))
    eventually(lambda: namespace.status("stuck"), 180, "the operator has seen it")
    namespace.delete()


@pytest.mark.usefixtures("_again")
def test_uninstalling_is_refused_while_streams_exist_and_leaves_only_the_definition(work):
    work.apply(
        workloads.stream("last", models=[{"name": "guesslang", "uri": "pvc://nobody/x"}], sql=SQL)
    )
    assert helm_uninstall().returncode != 0, "a stream was left alone"
    assert work.kubectl("get", "modelstream/last", "-o", "name").strip()

    work.remove("last")
    done = helm_uninstall()
    assert done.returncode == 0, done.stderr
    eventually(lambda: not installed(), 180, "nothing of the release is left", installed)
    assert run("kubectl", "get", "crd", "modelstreams.modelstream.dev", "-o", "name").strip()
