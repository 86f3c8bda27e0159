"""``modelstream run``: a manifest on this machine."""

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from modelstream.cli import supervised
from modelstream.cli.exits import Exit, UsageError
from modelstream.cli.models import model_paths
from modelstream.cli.progress import ProgressLine, size
from modelstream.cli.watch import Watch
from modelstream.errors import JobError
from modelstream_crds import manifest as manifests
from modelstream_crds.needs import cluster_only
from modelstream_crds.v1alpha1 import ModelStream, RuntimeMode

if TYPE_CHECKING:
    from modelstream.job.build import BuiltJob
    from modelstream.job.context import JobContext

_POLL_SECONDS = 0.1
_CANCEL_SECONDS = 20


@dataclass(frozen=True)
class Request:
    """What a local run is asked for."""

    file: Path
    name: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[str, Path] = field(default_factory=dict)
    secrets: Mapping[str, Path] = field(default_factory=dict)
    parallelism: int | None = None
    restore: str | None = None
    verbose: bool = False


def command(arguments: argparse.Namespace) -> int:
    """Run it to its end, or until Ctrl-C."""
    code = supervised.parent(verbose=arguments.verbose) if arguments.own_process else None
    return _child(arguments) if code is None else code


def _child(arguments: argparse.Namespace) -> Exit:
    watch = run(
        Request(
            file=arguments.file,
            name=arguments.name,
            models=dict(arguments.model),
            overrides=dict(arguments.set),
            mounts={name: Path(path) for name, path in arguments.mount},
            secrets={name: Path(path) for name, path in arguments.secret},
            parallelism=arguments.parallelism,
            restore=arguments.restore,
            verbose=arguments.verbose,
        )
    )
    print(watch, file=sys.stderr)
    return Exit.DONE


def run(request: Request) -> str:
    """Run a manifest on an embedded Flink; what is wrong with it is said before Flink starts.

    Returns the summary line.
    """
    manifest = manifests.load(request.file, request.overrides, name=request.name)
    context = _context(request, manifest)
    if request.restore is not None:
        context = _restored(context, manifest, request.restore)
    from modelstream.cli.flink import embedded
    from modelstream.cli.precheck import precheck
    from modelstream.job.build import build

    precheck(manifest.spec, context)

    with embedded(verbose=request.verbose):
        line = ProgressLine()
        watch = Watch(line)
        job = build(manifest, context, _jar_progress(line))
        return _run(job, watch, line)


def _context(request: Request, manifest: ModelStream) -> "JobContext":
    for name, directory in request.mounts.items():
        if not directory.is_dir():
            raise UsageError(f"--mount {name}={directory}: there is no such directory")
    given = {*request.mounts, *request.secrets, *request.models}
    missing = [
        need
        for need in cluster_only(manifest.spec)
        if need.name not in given and not need.flag.startswith("--model")
    ]
    if missing:
        raise UsageError("\n".join(map(str, missing)))
    paths = model_paths(manifest.spec.models, request.models, request.mounts)
    from modelstream.job.context import JobContext

    return JobContext(
        model_paths=paths,
        secret=_secret(request.secrets),
        mounts=request.mounts,
        parallelism=request.parallelism,
        base=request.file.parent,
    )


def _restored(context: "JobContext", manifest: ModelStream, restore: str) -> "JobContext":
    from dataclasses import replace

    from modelstream.cli.restore import given, latest

    if manifest.spec.flink.runtime_mode is RuntimeMode.BATCH:
        raise UsageError(
            f"--restore {restore}: a Batch job has no checkpoints, it starts from the beginning: "
            f"leave --restore out, or set spec.flink.runtimeMode=Streaming"
        )
    found = latest(manifest, context) if restore == "latest" else given(restore)
    return replace(context, restore_from=found)


def _secret(files: Mapping[str, Path]) -> Callable[[str, str], Path]:
    def path(name: str, key: str) -> Path:
        given = files.get(f"{name}/{key}")
        if given is None:
            raise UsageError(f"the Secret {name}: give --secret {name}/{key}=FILE")
        if not given.is_file():
            raise UsageError(f"--secret {name}/{key}={given}: there is no such file")
        return given

    return path


def _run(job: "BuiltJob", watch: Watch, line: ProgressLine) -> str:
    client = None
    try:
        with _updates(watch) if job.inserts is None else contextlib.nullcontext():
            client = job.submit()
        if client is not None:
            _await(job, client, watch)
    except JobError:
        line.finish()
        print(watch.summary(job.name, "failed"), file=sys.stderr)
        raise
    except BaseException:
        line.finish()
        _cancel(client)
        print(watch.summary(job.name, "cancelled"), file=sys.stderr)
        raise
    watch.update()
    line.finish()
    return watch.summary(job.name, "finished")


def _await(job: "BuiltJob", client: Any, watch: Watch) -> None:
    with job.translated():
        result = client.get_job_execution_result()
        while not result.done():
            watch.update()
            time.sleep(_POLL_SECONDS)
        result.result()


@contextlib.contextmanager
def _updates(watch: Watch) -> Iterator[None]:
    """Show progress from a thread, while a Python program has this one."""
    import threading

    ended = threading.Event()

    def show() -> None:
        while not ended.wait(_POLL_SECONDS):
            watch.update()

    thread = threading.Thread(target=show, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _cancel(client: Any) -> None:
    """Ask Flink to end the job, so that its sinks close; not for ever."""
    if client is None:
        return
    with contextlib.suppress(Exception):  # the JVM may be gone, and the job with it
        client.cancel()
        deadline = time.monotonic() + _CANCEL_SECONDS
        result = client.get_job_execution_result()
        while not result.done() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)


def _jar_progress(line: ProgressLine) -> Callable[[str, int, int | None], None]:
    def show(name: str, done: int, total: int | None) -> None:
        line.update(f"fetching {name}: {size(done)}" + (f" of {size(total)}" if total else ""))

    return show
