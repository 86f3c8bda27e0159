"""A stream whose program is in a ConfigMap, with the controllers that make its pods."""

import re
from typing import Any

import pytest
from tests.support.courses import Pods, run_of
from tests.support.operatorprocess import Operator, Space, wait_until

pytestmark = pytest.mark.apiserver


@pytest.fixture
def program(scores: Any) -> Any:
    spec = {"models": scores["spec"]["models"], "python": {"configMap": {"name": "code"}}}
    return {**scores, "spec": spec}


def write(home: Space, text: str) -> None:
    path = home.path("configmaps", "code") + "?fieldManager=user&force=true"
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "code"}}
    kind = "application/apply-patch+yaml"
    home.plane.request("PATCH", path, {**body, "data": {"job.py": text}}, kind=kind)


def text_of(home: Space, run: int) -> str:
    found = home.get("configmaps", f"scores-program-{run}")
    return found["data"]["job.py"] if found else ""


def lists(operator: Operator) -> float:
    """How often the operator has listed anything."""
    text = operator.read(operator.metrics, "/metrics")[1]
    found = re.findall(r'^modelstream_api_calls_total\{.*verb="list".*\} (\S+)$', text, re.M)
    return sum(map(float, found))


def test_a_program_is_waited_for_and_another_text_of_it_restarts_the_job(
    home: Space, program: Any, pods: Pods, serving: Operator
) -> None:
    home.create(program)
    wait_until(lambda: home.condition("scores", "Ready").get("reason") == "ConfigMapNotFound")
    assert home.names("deployments") == []
    write(home, "print(1)")
    pods.both_run()
    assert text_of(home, 1) == "print(1)"
    before = lists(serving)
    assert before
    write(home, "print(2)")
    wait_until(lambda: run_of(home) == 2)
    pods.both_run()
    assert text_of(home, 2) == "print(2)"
    wait_until(lambda: home.condition("scores", "Updated").get("status") == "True")
    home.delete("configmaps", "code")
    wait_until(lambda: home.condition("scores", "Updated").get("reason") == "ConfigMapNotFound")
    home.delete("configmaps", "scores-program-2")
    wait_until(lambda: text_of(home, 2) == "print(2)")
    assert run_of(home) == 2
    assert lists(serving) == before


def test_a_program_as_large_as_can_be_kept_runs_and_a_larger_one_is_told(
    home: Space, program: Any, pods: Pods
) -> None:
    write(home, "<" * 75_000 + "x" * 900_000)  # each < is stored as six bytes
    home.create(program)
    pods.both_run()
    write(home, "<" * 300_000)
    said = wait_until(lambda: refused(home))
    assert said["message"].startswith("spec.python.configMap: ")
    assert run_of(home) == 1


def refused(home: Space) -> dict[str, Any]:
    found = home.condition("scores", "Accepted")
    return found if found.get("reason") == "InvalidSpec" else {}
