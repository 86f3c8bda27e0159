"""What a local run, or the plan of one, is asked for: the command line, and what stands beside."""

import argparse
import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from modelstream.cli.exits import RefusedError, UsageError
from modelstream.cli.local import beside
from modelstream.cli.models import model_paths
from modelstream.cli.places import Places
from modelstream.errors import JobError
from modelstream_crds import manifest as manifests
from modelstream_crds.mounted import mounted, with_directories
from modelstream_crds.needs import claims, cluster_only
from modelstream_crds.v1alpha1 import ModelStream

if TYPE_CHECKING:
    from modelstream.job.context import JobContext


@dataclass(frozen=True)
class Request:
    """What a local run is asked for.

    Those of the command line by their names; ``read`` are the claims that a path of the manifest
    is below.
    """

    file: Path
    name: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    overrides: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[str, Path] = field(default_factory=dict)
    secrets: Mapping[str, Path] = field(default_factory=dict)
    parallelism: int | None = None
    restore: str | None = None
    fail_on: int | None = None
    ui: bool = False
    verbose: bool = False
    read: frozenset[str] = frozenset()

    @classmethod
    def of(cls, arguments: argparse.Namespace) -> "Request":
        """What stands on the command line."""
        return cls(
            file=arguments.file,
            name=arguments.name,
            models=dict(arguments.model),
            overrides=dict(arguments.set),
            mounts={name: Path(path) for name, path in arguments.mount},
            secrets={name: Path(path) for name, path in arguments.secret},
            parallelism=arguments.parallelism,
            restore=getattr(arguments, "restore", None),
            fail_on=getattr(arguments, "fail_on_dead_letters", None),
            ui=getattr(arguments, "ui", False),
            verbose=arguments.verbose,
        )

    def places(self, manifest: ModelStream) -> Places:
        """Where errors about the manifest stand."""
        return Places(self.file, manifest.metadata.name, dict(self.overrides))


def loaded(request: Request) -> tuple[Request, ModelStream]:
    """The manifest, and the request with what stands beside it for this machine.

    Raises:
        ManifestError: the manifest, or what stands beside it, is refused.
    """
    local = beside(request.file)
    overrides = {**local.set, **request.overrides}
    manifest = manifests.load(request.file, overrides, name=request.name)
    local = local.for_spec(manifest.spec)
    mounts = {**{name: Path(path) for name, path in local.mounts.items()}, **request.mounts}
    spec, read = with_directories(manifest.spec, absolute(mounts))
    return replace(
        request,
        models={**local.models, **request.models},
        overrides=overrides,
        mounts=mounts,
        read=read,
        secrets={**{name: Path(path) for name, path in local.secrets.items()}, **request.secrets},
    ), manifest.model_copy(update={"spec": spec})


def absolute(mounts: Mapping[str, Path]) -> dict[str, str]:
    """The directories of claims as paths that mean the same wherever they are read."""
    return {name: str(path.expanduser().absolute()) for name, path in mounts.items()}


def context_of(request: Request, manifest: ModelStream) -> "JobContext":
    """What the request gives a job of the manifest.

    Raises:
        UsageError: something that the manifest needs is not given, or what is given is not there.
    """
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
    """What has no effect does not help: a mount is for a claim or a ConfigMap that is read here."""
    used = claims(manifest.spec)
    for name in request.mounts:
        if name not in (*used, *request.read):
            there = dict.fromkeys((*used, *(each.claim for each in mounted(manifest.spec))))
            raise UsageError(
                f"--mount {name}=…: no model, state, program or path of the manifest is in "
                f"{name}; it names {', '.join(there) or 'none'}. Other paths in options are given "
                f"by --set, such as --set spec.pipeline.source.options.path=DIR"
            )


def _secret(files: Mapping[str, Path]) -> Callable[[str, str], Path]:
    def path(name: str, key: str) -> Path:
        given = files.get(f"{name}/{key}")
        if given is None:
            raise UsageError(f"the Secret {name}: give --secret {name}/{key}=FILE")
        if not given.is_file():
            raise UsageError(f"--secret {name}/{key}={given}: there is no such file")
        return given

    return path


@contextlib.contextmanager
def refusal() -> Iterator[None]:
    """What a job cannot be built of was given wrong: nothing has failed yet."""
    try:
        yield
    except JobError as error:
        refused = RefusedError(str(error))
        if hasattr(error, "detail"):
            refused.detail = error.detail  # type: ignore[attr-defined]  # for verbose output
        raise refused from error
