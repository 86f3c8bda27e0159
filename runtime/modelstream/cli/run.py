"""``modelstream run``: a manifest on this machine."""

import argparse
import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from modelstream.cli import log, supervised
from modelstream.cli.course import Course
from modelstream.cli.exits import Exit, RefusedError, UsageError, exit_for
from modelstream.cli.models import model_paths
from modelstream.cli.outputs import outputs
from modelstream.cli.places import Places
from modelstream.cli.progress import ProgressLine, size
from modelstream.cli.watch import Watch
from modelstream.errors import JobError, ModelStreamError
from modelstream_crds import manifest as manifests
from modelstream_crds.needs import claim_path, cluster_only
from modelstream_crds.v1alpha1 import ModelStream, ModelStreamSpec, RuntimeMode

if TYPE_CHECKING:
    from modelstream.job.build import BuiltJob
    from modelstream.job.context import JobContext


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
    fail_on: int | None = None
    verbose: bool = False


def command(arguments: argparse.Namespace) -> int:
    """Run it to its end, or until Ctrl-C."""
    code = supervised.parent(verbose=arguments.verbose) if arguments.own_process else None
    return _child(arguments) if code is None else code


def _child(arguments: argparse.Namespace) -> Exit:
    run(
        Request(
            file=arguments.file,
            name=arguments.name,
            models=dict(arguments.model),
            overrides=dict(arguments.set),
            mounts={name: Path(path) for name, path in arguments.mount},
            secrets={name: Path(path) for name, path in arguments.secret},
            parallelism=arguments.parallelism,
            restore=arguments.restore,
            fail_on=arguments.fail_on_dead_letters,
            verbose=arguments.verbose,
        )
    )
    return Exit.DONE


def run(request: Request) -> None:
    """Run a manifest on an embedded Flink; what is wrong with it is said before Flink starts.

    Raises:
        RecordsRefusedError: no record was scored, or as many were not as the request allows.
    """
    manifest = manifests.load(request.file, request.overrides, name=request.name)
    with Places(request.file, manifest.metadata.name, dict(request.overrides)).told():
        _run(request, manifest)


def _run(request: Request, manifest: ModelStream) -> None:
    context = _context(request, manifest)
    if request.restore is not None:
        context = _restored(context, manifest, request.restore)
    name = manifest.metadata.name
    with contextlib.ExitStack() as stack:
        file = log.new(name)
        watch = Watch(
            ProgressLine(),
            source=_source(manifest.spec),
            warning=partial(log.last_warning, file),
        )
        stack.enter_context(_named(file))
        stack.enter_context(log.written(file))
        job = _built(request, manifest, context, watch, stack)
        Course(job, watch, outputs(manifest.spec), request.fail_on).run()


def _built(
    request: Request,
    manifest: ModelStream,
    context: "JobContext",
    watch: Watch,
    stack: contextlib.ExitStack,
) -> "BuiltJob":
    """The job, on a Flink that lives as long as the stack."""
    try:
        with watch.ticking():
            watch.now("reading the model")
            from modelstream.cli.flink import embedded
            from modelstream.cli.precheck import precheck
            from modelstream.job.build import build

            with _refusal():
                precheck(manifest.spec, context, request.models)
            watch.now("starting Flink")
            stack.enter_context(embedded(verbose=request.verbose))
            watch.now("building the job")
            with _refusal():
                return build(manifest, context, _jar_progress(watch))
    except Exception:
        raise
    except BaseException:
        said = f"{manifest.metadata.name} was interrupted while {watch.phase}: no job had begun"
        print(said, file=sys.stderr)
        raise


@contextlib.contextmanager
def _refusal() -> Iterator[None]:
    """What a job cannot be built of was given wrong: nothing has failed yet."""
    try:
        yield
    except JobError as error:
        refused = RefusedError(str(error))
        if hasattr(error, "detail"):
            refused.detail = error.detail  # type: ignore[attr-defined]  # for verbose output
        raise refused from error


@contextlib.contextmanager
def _named(file: Path) -> Iterator[None]:
    """An error that ends the run names its log, where there is one."""
    try:
        yield
    except ModelStreamError as error:
        if exit_for(error) is Exit.FAILED and file.exists():
            error.add_note(f"log: {file}")
        raise


def _source(spec: ModelStreamSpec) -> str:
    """What records come from, as people call it."""
    if spec.pipeline is None:
        return ""
    source = spec.pipeline.source
    what = source.options.get("topic") or source.options.get("path") or ""
    return f"{source.connector} {what}".strip()


def _context(request: Request, manifest: ModelStream) -> "JobContext":
    for name, directory in request.mounts.items():
        if not directory.is_dir():
            raise UsageError(f"--mount {name}={directory}: there is no such directory")
    _check_mounts(request, manifest)
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


def _check_mounts(request: Request, manifest: ModelStream) -> None:
    """What has no effect is no help: a mount is for a claim or a ConfigMap that is read here."""
    used = [
        claim_path(model.uri)[0] for model in manifest.spec.models if model.uri.startswith("pvc:")
    ]
    state = manifest.spec.state
    used += [claim_path(state.storage)[0]] if state and state.storage.startswith("pvc:") else []
    program = manifest.spec.python
    used += [program.config_map.name] if program and program.config_map else []
    for name in request.mounts:
        if name not in used:
            raise UsageError(
                f"--mount {name}=…: no model, state or program of the manifest is in {name}; it "
                f"names {', '.join(dict.fromkeys(used)) or 'none'}. Paths in options are given by "
                f"--set, such as --set spec.pipeline.source.options.path=DIR"
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


def _jar_progress(watch: Watch) -> Callable[[str, int, int | None], None]:
    def show(name: str, done: int, total: int | None) -> None:
        of = f" of {size(total)}" if total else ""
        watch.now(f"fetching {name}: {size(done)}{of}")

    return show
