"""The images: built from this tree, brought to the cluster's nodes."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.cluster import run
from tests.support.kafka import JARS

from modelstream.job.artifacts import Jar, ensure


@dataclass(frozen=True)
class Images:
    """What the cluster runs, by full names."""

    operator: str
    runtime: str
    kafka: str


def built(scratch: Path, timed: Callable[[str, Callable[[], str]], str]) -> Images:
    """Build everything; a name holds the image's own id, so that a new build is a new name."""
    operator = timed("build the operator image", lambda: _build("operator"))
    runtime = timed("build the runtime image", lambda: _build("runtime"))
    kafka = timed("build the Kafka test image", lambda: _kafka(scratch, runtime))
    return Images(operator, runtime, kafka)


def model_image(model: Path, scratch: Path) -> str:
    """An image of a model alone, pushed; its name with the digest."""
    context = scratch / "image"
    shutil.copytree(model, context / "model")
    (context / "Dockerfile").write_text("FROM scratch\nCOPY model /\n")
    image = _named("model-test", run("docker", "build", "--quiet", str(context)))
    bring(image, None)
    return run("docker", "inspect", "--format", "{{index .RepoDigests 0}}", image).strip()


def bring(image: str, cluster: str | None) -> None:
    """To where the nodes find it: the registry that was given, or the nodes of a kind cluster."""
    if os.environ.get("E2E_REGISTRY"):
        run("docker", "push", "--quiet", image)
    elif cluster is not None:
        run("kind", "load", "docker-image", "--quiet", "--name", cluster, image)
    else:
        raise AssertionError("give E2E_REGISTRY: a registry that this machine and the nodes reach")


def _build(target: str) -> str:
    arguments = [
        f"--build-arg={name}={value}"
        for name, value in {
            "BASE_IMAGE": os.environ.get("BASE_IMAGE"),
            "MAVEN_BASE": os.environ.get("MODELSTREAM_MAVEN_BASE"),
        }.items()
        if value
    ]
    identity = run("docker", "build", "--quiet", "--target", target, *arguments, ".")
    return _named(target, identity)


def _named(name: str, identity: str) -> str:
    registry = os.environ.get("E2E_REGISTRY")
    digest = identity.strip().splitlines()[-1].removeprefix("sha256:")
    image = f"{registry + '/' if registry else ''}modelstream/{name}:e2e-{digest[:12]}"
    run("docker", "tag", digest, image)
    return image


def _kafka(scratch: Path, runtime: str) -> str:
    """A broker: the runtime image has the Java, Maven the jars."""
    context = scratch / "kafka"
    (context / "libs").mkdir(parents=True)
    for line in JARS.read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            shutil.copy2(ensure(Jar(*line.split())), context / "libs")
    (context / "Dockerfile").write_text(f"FROM {runtime}\nCOPY libs /opt/kafka/libs\n")
    return _named("kafka-test", run("docker", "build", "--quiet", str(context)))
