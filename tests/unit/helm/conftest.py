import functools
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.helm import helm as binary

KUBERNETES = "--kube-version=1.34.0"
"""A helm that somebody built from source takes a much older version for the server's."""
CHART = Path(__file__).parents[3] / "helm" / "modelstream"


def helm(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([binary(), *arguments], capture_output=True, text=True, check=False)


class Rendered(list[dict[str, Any]]):
    """The manifests that the chart makes."""

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [each for each in self if each["kind"] == kind]

    def one(self, kind: str) -> dict[str, Any]:
        (found,) = self.of(kind)
        return found

    @property
    def pods(self) -> list[dict[str, Any]]:
        return [
            each["spec"]["template"]["spec"] for each in self if "template" in each.get("spec", {})
        ]

    @property
    def environment(self) -> dict[str, str]:
        container = self.one("Deployment")["spec"]["template"]["spec"]["containers"][0]
        return {each["name"]: each.get("value", "") for each in container["env"]}


@functools.cache
def template(release: str, namespace: str, *values: str) -> subprocess.CompletedProcess[str]:
    return helm("template", release, str(CHART), f"--namespace={namespace}", KUBERNETES, *values)


def settings(values: dict[str, Any]) -> list[str]:
    return [f"--set-json={key}={json.dumps(value)}" for key, value in values.items()]


@pytest.fixture
def rendered():
    def render(
        release: str = "ms", namespace: str = "modelstream-system", **values: Any
    ) -> Rendered:
        done = template(release, namespace, *settings(values))
        assert done.returncode == 0, done.stderr
        return Rendered(each for each in yaml.load_all(done.stdout, yaml.CSafeLoader) if each)

    return render


@pytest.fixture
def refused():
    def refusal(**values: Any) -> str:
        done = template("ms", "modelstream-system", *settings(values))
        assert done.returncode != 0, "the chart took values that it should refuse"
        return done.stderr

    return refusal
