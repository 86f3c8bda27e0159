"""Jobs from manifests, on the embedded Flink of the test process."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import yaml
from tests.support.worker import executable

from modelstream.job.build import BuiltJob, build
from modelstream.job.context import JobContext
from modelstream_crds import manifest


def stream(spec: Mapping[str, Any], name: str = "test") -> Any:
    """A validated ModelStream of a spec in plain data."""
    document = {
        "apiVersion": "modelstream.dev/v1alpha1",
        "kind": "ModelStream",
        "metadata": {"name": name},
        "spec": spec,
    }
    return manifest.load(yaml.safe_dump(document))


def model(name: str) -> dict[str, Any]:
    """An entry of spec.models; the test gives its directory."""
    return {"name": name, "uri": f"pvc://models/{name}"}


def built(spec: Mapping[str, Any], models: Mapping[str, Path], **context: Any) -> BuiltJob:
    """A job that is ready to run, with one task at a time unless the test says otherwise."""
    where = JobContext(model_paths=models, configuration={"python.executable": executable()})
    _as_the_first_of_its_jvm()
    return build(stream(spec), replace(where, **{"parallelism": 1, **context}))


def _as_the_first_of_its_jvm() -> None:
    """The ids of tables' operators count all that a JVM has planned, which is one job for users."""
    from pyflink.table import EnvironmentSettings, TableEnvironment

    planner = TableEnvironment.create(EnvironmentSettings.in_batch_mode())._j_tenv.getPlanner()
    name = "org.apache.flink.table.planner.plan.nodes.exec.ExecNodeContext"
    counter = planner.getClass().getClassLoader().loadClass(name).getMethod("resetIdCounter", None)
    counter.invoke(None, None)


def run(spec: Mapping[str, Any], models: Mapping[str, Path], **context: Any) -> BuiltJob:
    """Run a bounded job to its end."""
    job = built(spec, models, **context)
    if (client := job.submit()) is not None:
        job.wait(client)
    return job


@contextmanager
def running(spec: Mapping[str, Any], models: Mapping[str, Path], **context: Any) -> Iterator[Any]:
    """The client of an unbounded job, which is cancelled when the block ends."""
    client = built(spec, models, **context).submit()
    assert client is not None
    with cancelled(client):
        yield client


@contextmanager
def cancelled(client: Any) -> Iterator[Any]:
    """The client of a job that is over when the block ends: none of its threads does a thing.

    What a job has done is counted for the whole process (`modelstream.embedded`).
    """
    from py4j.protocol import Py4JJavaError

    try:
        yield client
    finally:
        client.cancel().result()
        with suppress(Py4JJavaError):  # a job that is cancelled has no result
            client.get_job_execution_result().result()


def place(file: Path, content: bytes) -> None:
    """Write a file where a running job looks for files: none of which may be seen half written."""
    hidden = file.with_name(f".{file.name}")
    hidden.write_bytes(content)
    hidden.rename(file)


def lines(directory: Path) -> list[str]:
    """Every line that a filesystem sink has published."""
    files = sorted(
        path
        for path in directory.rglob("*")
        if path.is_file() and not path.name.startswith((".", "_"))
    )
    return [line for path in files for line in path.read_text().splitlines()]


def rows(directory: Path) -> list[dict[str, Any]]:
    """Every JSON row that a filesystem sink has published."""
    return [json.loads(line) for line in lines(directory)]
