"""``modelstream run``: a manifest on this machine."""

import argparse
import contextlib
import socket
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from modelstream.cli import ahead, log, supervised
from modelstream.cli.course import Course
from modelstream.cli.events import Events
from modelstream.cli.exits import Exit, UsageError, exit_for
from modelstream.cli.outputs import outputs
from modelstream.cli.progress import ProgressLine, size
from modelstream.cli.request import Request, context_of, loaded, refusal
from modelstream.cli.watch import Watch
from modelstream.errors import ModelStreamError
from modelstream_crds.problems import ManifestError
from modelstream_crds.v1alpha1 import ModelStream, ModelStreamSpec, RuntimeMode

if TYPE_CHECKING:
    from modelstream.cli.classes import Classes
    from modelstream.job.build import BuiltJob
    from modelstream.job.context import JobContext


def command(arguments: argparse.Namespace) -> int:
    """Run it to its end, or until Ctrl-C."""
    if arguments.own_process:
        code = supervised.parent(verbose=arguments.verbose)
        if code is not None:
            return code
        arguments.leave = supervised.leave
    return _child(arguments)


def _child(arguments: argparse.Namespace) -> Exit:
    run(Request.of(arguments), Events() if arguments.json else None)
    return Exit.DONE


def run(request: Request, events: Events | None = None) -> None:
    """Run a manifest on an embedded Flink; what is wrong with it is said before Flink starts.

    Args:
        request: what to run.
        events: is told what happens, beside the line for people.

    Raises:
        RecordsRefusedError: no record was scored, or as many were not as the request allows.
    """
    with _errors_told(events):
        request, manifest = loaded(request)
        with request.places(manifest).told():
            _run(request, manifest, events)


@contextlib.contextmanager
def _errors_told(events: Events | None) -> Iterator[None]:
    """An error is an event too."""
    try:
        yield
    except (ModelStreamError, ManifestError) as error:
        if events is not None:
            events.happened("error", message=str(error), exitCode=int(exit_for(error)))
        raise


def _run(request: Request, manifest: ModelStream, events: Events | None) -> None:
    context = context_of(request, manifest)
    if request.restore is not None:
        context = _restored(context, manifest, request.restore)
    if request.ui:
        context = _with_page(context)
    name = manifest.metadata.name
    with contextlib.ExitStack() as stack:
        from modelstream.cli.restore import kept_alone

        if manifest.spec.flink.runtime_mode is not RuntimeMode.BATCH:
            stack.enter_context(kept_alone(manifest, context))
        file = log.new(name)
        watch = Watch(
            ProgressLine(),
            source=_source(manifest.spec),
            warning=partial(log.last_warning, file),
            events=events,
        )
        stack.enter_context(_named(file))
        stack.enter_context(log.written(file))
        places = outputs(manifest.spec)
        for place in places:
            if said := place.added_to:
                print(said, file=sys.stderr)
        job, classes = _built(request, manifest, context, watch, stack)
        Course(job, watch, places, request.fail_on, events).run()
        if classes is not None:
            classes.keep()


def _built(
    request: Request,
    manifest: ModelStream,
    context: "JobContext",
    watch: Watch,
    stack: contextlib.ExitStack,
) -> "tuple[BuiltJob, Classes | None]":
    """The job, on a Flink that lives as long as the stack, and what keeps that Flink's classes."""
    try:
        with watch.ticking():
            watch.now("reading the model")
            from modelstream.cli.flink import embedded
            from modelstream.cli.precheck import precheck
            from modelstream.job.build import build

            with refusal():
                precheck(manifest.spec, context, request.models)
            watch.now("starting Flink")
            flink = embedded(verbose=request.verbose, meanwhile=ahead.bring)
            classes = stack.enter_context(flink)
            watch.now("building the job")
            with refusal():
                return build(manifest, context, _jar_progress(watch)), classes
    except Exception:
        raise
    except BaseException:
        said = f"{manifest.metadata.name} was interrupted while {watch.phase}: no job had begun"
        print(said, file=sys.stderr)
        raise


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


def _with_page(context: "JobContext") -> "JobContext":
    """Flink's own page of the job, for this machine alone, as long as the job runs."""
    from dataclasses import replace

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    print(f"Flink's page of the job, once it runs: http://127.0.0.1:{port}", file=sys.stderr)
    page = {
        "rest.address": "127.0.0.1",
        "rest.bind-address": "127.0.0.1",
        "rest.port": port,
        "rest.bind-port": port,
        # It is there to look at: nobody starts or ends a job by it.
        "web.submit.enable": "false",
        "web.cancel.enable": "false",
    }
    return replace(context, configuration={**context.configuration, **page})


def _restored(context: "JobContext", manifest: ModelStream, restore: str) -> "JobContext":
    from dataclasses import replace

    from modelstream.cli.restore import IF_ANY, given, latest, latest_if_any

    if manifest.spec.flink.runtime_mode is RuntimeMode.BATCH:
        raise UsageError(
            f"--restore {restore}: a Batch job has no checkpoints, it starts from the beginning: "
            f"leave --restore out, or set spec.flink.runtimeMode=Streaming"
        )
    if restore == IF_ANY:
        return replace(context, restore_from=latest_if_any(manifest, context))
    found = latest(manifest, context) if restore == "latest" else given(restore)
    return replace(context, restore_from=found)


def _jar_progress(watch: Watch) -> Callable[[str, int, int | None], None]:
    def show(name: str, done: int, total: int | None) -> None:
        of = f" of {size(total)}" if total else ""
        watch.now(f"fetching {name}: {size(done)}{of}")

    return show
