"""The entry point of the image: write Flink's configuration for this pod, become Flink."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

import yaml

from modelstream.errors import FetchError
from modelstream.pod import configuration, gpu, preload
from modelstream.pod.ended import left_behind, refuse_ended
from modelstream.pod.failure import PodError
from modelstream.pod.memory import loading_killed, memory
from modelstream.pod.paths import Paths
from modelstream.pod.restoring import Origin, StateUnreachableError, origin
from modelstream.pod.statestore import StateStore
from modelstream_crds import manifest
from modelstream_crds import v1alpha1 as api
from modelstream_crds.names import JOB_ID
from modelstream_crds.restore import RESTORE_FROM, RESTORE_LESS, RESTORE_NEWEST, Lookup

SUBMIT = "/opt/modelstream/submit.py"
PRELOAD = (sys.executable, "-m", "modelstream.pod", "preload")
PYTHON_DRIVER = "org.apache.flink.client.python.PythonDriver"


def jobmanager(paths: Paths, environment: Mapping[str, str]) -> NoReturn:
    """Become a JobManager that runs the job of the manifest.

    Raises:
        JobEndedError: the job has ended before.
    """
    operator = operator_options(paths)
    highly_available = configuration.has_high_availability(operator)
    address = configuration.jobmanager_address(_needed(environment, "POD_IP"), highly_available)
    options = write_configuration(paths, operator, address, environment)
    found = Origin(environment.get(RESTORE_FROM), {})
    if highly_available:
        found = from_the_store(options, environment)
        if found.told:
            write_options(paths, {**options, **found.told})
    _become(paths, environment, jobmanager_command(paths, environment, found.path))


def from_the_store(options: Mapping[str, Any], environment: Mapping[str, str]) -> Origin:
    """What is to be restored, looked up in the store.

    That is what the job itself has completed, where it has: Flink recovers it from that anyway, but
    for one whose ConfigMaps of high availability somebody has deleted.

    A path that is known does not need the store to answer: Flink asks it too, and says what is
    wrong. A lookup does.

    Raises:
        JobEndedError: the job has ended before.
        StateUnreachableError: the store does not answer a lookup.
        PodError: what has to be there is missing.
    """
    try:
        root = str(options["high-availability.storageDir"])
        store = StateStore.of(root, options, environment)
        job_id = _needed(environment, JOB_ID)
        refuse_ended(store, options, job_id)
        found = origin(options, environment)
        return replace(found, path=left_behind(store, options, job_id) or found.path)
    except (OSError, FetchError) as error:
        unreachable, sought = StateUnreachableError(error), environment.get(RESTORE_NEWEST, "")
        if sought not in {"", Lookup.OF_NOBODY}:
            raise unreachable from error
        print(unreachable, file=sys.stderr, flush=True)
    return Origin(None if sought else environment.get(RESTORE_FROM), {})


def taskmanager(paths: Paths, environment: Mapping[str, str]) -> NoReturn:
    """Prove that the models work in this pod, then become a TaskManager."""
    preload.clear(paths.ready)
    paths.killed.unlink(missing_ok=True)
    operator = operator_options(paths)
    address = configuration.taskmanager_address(_needed(environment, "POD_IP"))
    write_configuration(paths, operator, address, environment)
    gpu.require(environment)
    preload_apart()
    script = str(paths.flink_home / "bin" / "taskmanager.sh")
    slots = {gpu.SLOTS: str(operator.get("taskmanager.numberOfTaskSlots", 1))}
    _become(paths, {**environment, **slots}, [script, "start-foreground"])


def preload_apart(command: Sequence[str] = PRELOAD) -> None:
    """Preload in a process of its own, which gives its memory and its GPU back.

    It says itself why it fails, and its exit code becomes this container's; but not when it is
    killed, as the kernel does where the models do not fit into the memory.

    Raises:
        PodError: it was killed; says whether for lack of memory.
    """
    done = subprocess.run(command, check=False)
    if done.returncode == -signal.SIGKILL:
        raise PodError(*loading_killed(memory()))
    if done.returncode:
        raise SystemExit(done.returncode if done.returncode > 0 else 128 - done.returncode)


def jobmanager_command(
    paths: Paths, environment: Mapping[str, str], restored: str | None = None
) -> list[str]:
    """The command line of the JobManager: everything after ``-py`` is for the job's program."""
    command = [
        str(paths.flink_home / "bin" / "standalone-job.sh"),
        "start-foreground",
        "--job-classname",
        PYTHON_DRIVER,
        "--job-id",
        _needed(environment, JOB_ID),
    ]
    if restored:
        command += ["--fromSavepoint", restored]
        if environment.get(RESTORE_LESS):
            command.append("--allowNonRestoredState")
    python = ["-pyclientexec", configuration.CLIENT_PYTHON, "-py", SUBMIT]
    return [*command, *python, str(paths.manifest)]


def write_configuration(
    paths: Paths,
    operator: Mapping[str, Any],
    address: Mapping[str, Any],
    environment: Mapping[str, str],
) -> dict[str, Any]:
    """Flink's conf directory: the shipped files, config.yaml merged of all layers.

    The addresses of this pod come last: nobody else knows them. Returns the merged options.
    """
    for file in (paths.flink_home / "conf").iterdir():
        shutil.copyfile(file, paths.flink_conf / file.name)
    secret = secret_options(manifest.load(paths.manifest), paths.secrets)
    options = configuration.merged(
        _yaml(paths.flink_home / "conf" / "config.yaml"),
        configuration.web_identity(environment, operator, secret),
        operator,
        secret,
        configuration.python_programs(),
        address,
    )
    write_options(paths, options)
    return options


def operator_options(paths: Paths) -> dict[str, Any]:
    """What the operator has written for this run.

    Raises:
        PodError: it is not there.
    """
    return _yaml(paths.operator_options)


def write_options(paths: Paths, options: Mapping[str, Any]) -> None:
    """Flink's config.yaml, which may hold secrets."""
    config = paths.flink_conf / "config.yaml"
    config.write_text(yaml.safe_dump(dict(options), width=1 << 20))
    config.chmod(0o600)


def secret_options(spec: api.ModelStream, secrets: Path) -> dict[str, str]:
    """flink.secretConfiguration: option → the value in the mounted file.

    Raises:
        PodError: the Secret has no such key.
    """
    options = {}
    for option, key in spec.spec.flink.secret_configuration.items():
        file = secrets / key.name / key.key
        try:
            options[option] = file.read_text().strip()
        except OSError as error:
            raise PodError(
                "SecretKeyMissing",
                f"spec.flink.secretConfiguration[{option}]: the Secret {key.name} has no key "
                f"{key.key} ({error.strerror}: {file})",
            ) from error
    return options


def _become(paths: Paths, environment: Mapping[str, str], command: list[str]) -> NoReturn:
    """Replace this process, so that signals reach Flink's."""
    sys.stdout.flush()
    os.execve(command[0], command, {**environment, "FLINK_CONF_DIR": str(paths.flink_conf)})


def _needed(environment: Mapping[str, str], name: str) -> str:
    if value := environment.get(name):
        return value
    raise PodError("EnvironmentIncomplete", f"{name} is not set: the operator's pods have it")


def _yaml(path: Path) -> dict[str, Any]:
    try:
        return yaml.safe_load(path.read_text()) or {}
    except OSError as error:
        raise PodError("ConfigMapIncomplete", f"{path}: {error.strerror}") from error
