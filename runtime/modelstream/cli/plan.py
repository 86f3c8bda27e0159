"""``modelstream plan``: what a manifest comes to, and what an edit of it will do."""

import argparse
import contextlib
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from typing import TYPE_CHECKING

from modelstream.cli import change, log
from modelstream.cli.exits import Exit
from modelstream.cli.layout import text
from modelstream.cli.progress import ProgressLine
from modelstream.cli.request import Request, context_of, loaded, refusal
from modelstream_crds.v1alpha1 import ModelStream

if TYPE_CHECKING:
    from modelstream.job.calls import Call
    from modelstream.job.context import JobContext
    from modelstream.job.outline import Outline


def command(arguments: argparse.Namespace) -> Exit:
    """Print the plan, once all is checked that `run` checks."""
    if arguments.against is not None:
        found = change.between(arguments.against, arguments.file, arguments.name, arguments.set)
        print(json.dumps(found.as_json(), indent=2) if arguments.json else found)
        return Exit.REFUSED if found.is_refused else Exit.DONE
    request, manifest = loaded(Request.of(arguments))
    with request.places(manifest).told():
        outline, calls = _planned(request, manifest, offline=arguments.offline)
    if arguments.json:
        print(json.dumps(_as_json(outline, calls, arguments.offline), indent=2, default=str))
    elif arguments.svg:
        from modelstream.cli.picture import svg

        print(svg(outline, calls))
    else:
        print(text(outline, calls, offline=arguments.offline))
    return Exit.DONE


def _planned(
    request: Request, manifest: ModelStream, *, offline: bool
) -> "tuple[Outline, tuple[Call, ...]]":
    context = replace(context_of(request, manifest), restore_from=request.restore)
    from modelstream.cli.precheck import precheck
    from modelstream.job.outline import outline

    with refusal():
        found = outline(manifest, context, precheck(manifest.spec, context, request.models))
        calls = () if offline else _asked(request, manifest, context)
    return found, calls


def _asked(request: Request, manifest: ModelStream, context: "JobContext") -> "tuple[Call, ...]":
    """What only Flink knows: it plans the job, and starts none."""
    from modelstream.cli.flink import embedded
    from modelstream.job import artifacts, build
    from modelstream.job.secrets import Secrets

    with (
        _shown("asking Flink"),
        log.written(log.new(manifest.metadata.name)),
        embedded(verbose=request.verbose),
    ):
        secrets = Secrets(context.secret)
        options = build.flink_options(manifest.spec, context, secrets, artifacts.silent)
        return build.prove(manifest, context, options).calls


@contextlib.contextmanager
def _shown(message: str) -> Iterator[None]:
    line = ProgressLine()
    line.update(message)
    try:
        yield
    finally:
        line.finish()


def _as_json(outline: "Outline", calls: "tuple[Call, ...]", offline: bool) -> dict[str, object]:
    bound = [
        {"function": call.function, "line": call.line, "tensors": dict(call.binding.tensors)}
        for call in calls
    ]
    return {**asdict(outline), "calls": bound, "askedFlink": not offline}
